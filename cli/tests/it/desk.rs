//! A folder with files in it, and the real binary run there.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use ingest::tabular::{Locale, Table};
use tempfile::TempDir;

pub struct Desk {
    folder: TempDir,
}

/// What a user gets to see of one run.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    /// A folder with one file.
    pub fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.put(name, content);
        desk
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viralcast"));
        command.args(line.split_whitespace()).current_dir(self.folder.path()).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }

    /// Starts a command line whose end the caller decides.
    pub fn start(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary")
    }

    /// Runs a command line in the folder, its arguments parted by spaces.
    pub fn run(&self, line: &str) -> Ran {
        let output = self.command(line).output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code().expect("not killed"), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// As [`Desk::run`], for what must succeed.
    pub fn done(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
        ran
    }

    /// As [`Desk::run`], for what must fail without a word on stdout and without a panic.
    pub fn refused(&self, line: &str, code: i32) -> String {
        let ran = self.run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{line}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{line}: {}", ran.stderr);
        ran.stderr
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a text file")
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    /// A CSV or Parquet file, read by the product's own reader.
    pub fn table(&self, name: &str) -> Table {
        ingest::tabular::read(&self.path(name)).expect("a table")
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(name)).expect("JSON")
    }
}

impl Ran {
    /// Everything that reaches the user.
    pub fn told(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Compares with the snapshot of this name. Measured figures, which hang on a processor's rounding, are left out.
pub fn see(name: &str, text: &str) {
    let filters = vec![(r" -?\d+\.\d{3}\b", " #.###"), (r"held \d+ %", "held # %"), (r"bias [+-]\d+\.\d %", "bias # %")];
    insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Texts of a column.
pub fn texts(table: &Table, column: &str) -> Vec<String> {
    let column = table.column(column).expect("the column");
    (0..table.len()).map(|row| column.text(row).into_owned()).collect()
}

/// Numbers of a column, NaN where empty.
pub fn numbers(table: &Table, column: &str) -> Vec<f64> {
    let values = table.column(column).expect("the column").numbers(&Locale::default()).expect("numbers");
    values.values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

pub fn heads(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}
