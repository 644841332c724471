//! Folds of a backtest kept in its output folder, one file a cutoff: given the same command again, one that was stopped goes
//! on where it was.
//!
//! What a fold holds depends on the input's bytes, the options and the program. All three are in every file; files of other
//! ones are removed. A file appears whole or not at all.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use domain::Ordinal;
use models::{Fold, FoldKeeper};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// All that a fold depends on, as hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldKey {
    input: String,
    options: String,
    program: String,
}

impl FoldKey {
    /// Reads the files; `options` is any text that differs where the question does.
    pub fn of(files: &[&Path], options: &str) -> anyhow::Result<Self> {
        let mut input = Sha256::new();
        for path in files {
            input.update(hash_of(path).with_context(|| format!("can't read {}", path.display()))?);
        }
        Ok(Self { input: hex(&input.finalize()), options: hex(&Sha256::digest(options)), program: program() })
    }

    /// What differs from another one, in words; `None` if nothing does.
    fn changed_since(&self, earlier: &Self) -> Option<&'static str> {
        let Self { input, options, program } = earlier;
        match () {
            () if *input != self.input => Some("the input has"),
            () if *options != self.options => Some("the options have"),
            () if *program != self.program => Some("the program has"),
            () => None,
        }
    }
}

/// Hash of a file's bytes, which need not be in memory at once.
fn hash_of(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut hash = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}

/// Version and build: a program built from changed code must not go on with what the old one made.
fn program() -> String {
    let build = std::env::current_exe().and_then(std::fs::metadata).map(|file| (file.len(), file.modified().ok())).ok();
    hex(&Sha256::digest(format!("{} {build:?}", env!("CARGO_PKG_VERSION"))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One fold and what it was made of.
#[derive(Serialize, Deserialize)]
struct Kept<F> {
    key: FoldKey,
    fold: F,
}

/// A folder of folds.
pub struct KeptFolds {
    folder: PathBuf,
    key: FoldKey,
    /// The first file that could not be written.
    trouble: Mutex<Option<std::io::Error>>,
}

/// Name of the folder inside the output folder.
const FOLDER: &str = "folds";
const KEY: &str = "key.json";

impl KeptFolds {
    /// Opens the folder. Folds of another key, or all of them if a fresh start is wanted, are removed. Returns with it what
    /// the user should hear.
    pub fn open(output: &Path, key: FoldKey, fresh: bool) -> anyhow::Result<(Self, Option<String>)> {
        let folder = output.join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("can't create the folder {}", folder.display()))?;
        remove(output, |name| name.starts_with(".cv.") && name.ends_with(".part"))?;
        let found = std::fs::read(folder.join(KEY)).ok().and_then(|text| serde_json::from_slice::<FoldKey>(&text).ok());
        let changed = found.as_ref().and_then(|earlier| key.changed_since(earlier));
        let stays = found.is_some() && changed.is_none() && !fresh;
        let removed = remove(&folder, |name| name.starts_with("fold-") && !(stays && name.ends_with(".json")))?;
        let remark = changed
            .filter(|_| removed > 0 && !fresh)
            .map(|what| format!("{what} changed since the windows in {} were kept: starting anew", folder.display()));
        let path = folder.join(KEY);
        std::fs::write(&path, serde_json::to_vec_pretty(&key)?).with_context(|| format!("can't write {}", path.display()))?;
        Ok((Self { folder, key, trouble: Mutex::new(None) }, remark))
    }

    /// How many of these cutoffs are here, in words; `None` for none.
    pub fn going_on(&self, cutoffs: &[Ordinal]) -> Option<String> {
        let here = cutoffs.iter().filter(|cutoff| self.path(**cutoff).exists()).count();
        (here > 0).then(|| {
            format!(
                "going on: {here} of {} cutoffs were kept in {} by an earlier run (--fresh makes them again)",
                cutoffs.len(),
                self.folder.display()
            )
        })
    }

    /// Why a stopped run could not go on, if it couldn't.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|error| format!("not all windows could be kept in {}: {error}", self.folder.display()))
    }

    fn path(&self, cutoff: Ordinal) -> PathBuf {
        self.folder.join(format!("fold-{cutoff}.json"))
    }

    fn write(&self, fold: &Fold) -> std::io::Result<()> {
        let path = self.path(fold.cutoff);
        let beside = path.with_extension("part");
        std::fs::write(&beside, serde_json::to_vec(&Kept { key: self.key.clone(), fold })?)?;
        std::fs::rename(beside, path)
    }
}

impl FoldKeeper for KeptFolds {
    fn load(&self, cutoff: Ordinal) -> Option<Fold> {
        // What cannot be read is made again.
        let kept: Kept<Fold> = serde_json::from_slice(&std::fs::read(self.path(cutoff)).ok()?).ok()?;
        (kept.key == self.key && kept.fold.cutoff == cutoff).then_some(kept.fold)
    }

    fn keep(&self, fold: &Fold) {
        if let Err(error) = self.write(fold) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

/// Removes the files of a folder whose names match; returns how many.
fn remove(folder: &Path, matches: impl Fn(&str) -> bool) -> anyhow::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("can't read the folder {}", folder.display()))? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(&matches) {
            std::fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))?;
            removed += 1;
        }
    }
    Ok(removed)
}
