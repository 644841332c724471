//! Finds the server binaries wherever the distribution puts them.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::EmbeddedError;

/// Oldest major version that the migrations work on.
const OLDEST: u32 = 15;

/// Environment variable that names the folder of `postgres` and `initdb`.
const FOLDER_VARIABLE: &str = "VIRALCAST_PG_BIN";

/// Folders in which versions lie side by side: parent, start of the version's folder, what follows it.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu, Gentoo
    ("/usr", "pgsql-", "bin"),                   // the PostgreSQL project's RPMs
    ("/usr/lib", "postgresql", "bin"),           // openSUSE
    ("/usr/lib64", "postgresql-", "bin"),        // Gentoo
    ("/usr/libexec", "postgresql", ""),          // Alpine
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with `postgres` and `initdb` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// The binaries of major version `wanted`, or the newest ones when the cluster is still to be made.
    pub async fn find(wanted: Option<u32>, data: &Path) -> Result<Self, EmbeddedError> {
        let mut found = Vec::new();
        for folder in candidates().await {
            if let Some(major) = major_version(&folder).await {
                found.push(Self { folder, major });
            }
        }
        choose(found, wanted, data)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn choose(mut found: Vec<Binaries>, wanted: Option<u32>, data: &Path) -> Result<Binaries, EmbeddedError> {
    found.retain(|binaries| binaries.major >= OLDEST);
    found.sort_by_key(|binaries| binaries.major);
    let Some(newest) = found.last().cloned() else {
        return Err(EmbeddedError::NoBinaries {
            wanted: wanted.map_or(format!("{OLDEST} or newer"), |major| major.to_string()),
            searched: format!("{FOLDER_VARIABLE}, pg_config, PATH, /usr/lib/postgresql and its like"),
            install: install_command(wanted),
        });
    };
    let Some(cluster) = wanted else { return Ok(newest) };
    let versions: Vec<String> = found.iter().map(|binaries| binaries.major.to_string()).collect();
    found.into_iter().find(|binaries| binaries.major == cluster).ok_or_else(|| EmbeddedError::WrongMajor {
        data: data.to_owned(),
        cluster,
        found: versions.join(", "),
        install: install_command(Some(cluster)),
    })
}

/// Folders that hold both programs, each once. `VIRALCAST_PG_BIN` is the only one when it is set.
async fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()) {
        return vec![PathBuf::from(folder)];
    }
    let mut folders: Vec<PathBuf> = pg_config_folder().await.into_iter().collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.extend(VERSIONED.iter().flat_map(|(parent, start, rest)| versions_in(Path::new(parent), start, rest)));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    let complete = folders.into_iter().filter(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
    let mut unique: Vec<PathBuf> = Vec::new();
    for folder in complete {
        if !unique.contains(&folder) {
            unique.push(folder);
        }
    }
    unique
}

fn versions_in(parent: &Path, start: &str, rest: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let versions = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    versions.map(|entry| entry.path().join(rest)).collect()
}

async fn pg_config_folder() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().await.ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

async fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().await.ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15; `18beta1` is 18.
fn parse_version(line: &str) -> Option<u32> {
    let (_, version) = line.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn install_command(major: Option<u32>) -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |name: &str| {
        let ids = release.lines().filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="));
        ids.flat_map(|line| line.split(['=', ' ', '"'])).any(|word| word == name)
    };
    let version = major.map(|major| major.to_string());
    match version {
        _ if cfg!(target_os = "macos") => format!("brew install postgresql@{}", version.as_deref().unwrap_or("17")),
        Some(version) if is("debian") => format!("apt-get install postgresql-{version}"),
        None if is("debian") => "apt-get install postgresql".to_owned(),
        _ if is("fedora") || is("rhel") => "dnf install postgresql-server".to_owned(),
        _ if is("alpine") => "apk add postgresql".to_owned(),
        _ if is("arch") => "pacman -S postgresql".to_owned(),
        _ if is("suse") || is("opensuse") => "zypper install postgresql-server".to_owned(),
        _ => "the package named postgresql or postgresql-server".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|major| Binaries { folder: PathBuf::from(format!("/pg/{major}")), major: *major }).collect()
    }

    #[test]
    fn reads_the_major_version() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_version("something else 15"), None);
    }

    #[test]
    fn a_new_cluster_gets_the_newest_and_an_old_one_its_own() {
        let newest = choose(installed(&[15, 17, 16]), None, Path::new("/d")).expect("some are new enough");
        assert_eq!(newest.major, 17);
        let own = choose(installed(&[15, 17, 16]), Some(16), Path::new("/d")).expect("16 is installed");
        assert_eq!(own.major, 16);
    }

    #[test]
    fn another_major_version_is_named_in_the_error() {
        let error = choose(installed(&[17]), Some(15), Path::new("/d")).expect_err("15 is not installed");
        assert!(error.to_string().contains("made by PostgreSQL 15, but only 17 is installed"), "{error}");
    }

    #[test]
    fn too_old_counts_as_none() {
        let error = choose(installed(&[13]), None, Path::new("/d")).expect_err("13 is too old");
        assert!(matches!(error, EmbeddedError::NoBinaries { .. }), "{error}");
    }
}
