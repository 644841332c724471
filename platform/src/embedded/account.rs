//! The operating system account that the server runs under: PostgreSQL refuses to be root.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::EmbeddedError;

/// An account with the ids that processes and files get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// True when this program is root and has to drop to the account.
    pub drop_to: bool,
}

impl Account {
    /// Account for a cluster whose files, if there are any yet, belong to `owner`.
    ///
    /// An existing cluster keeps its owner, so that installing the `postgres` user later does not lock it out.
    pub fn choose(owner: Option<(u32, PathBuf)>) -> Result<Self, EmbeddedError> {
        let running = rustix::process::geteuid().as_raw();
        if running != 0 {
            return Self::unprivileged(running, owner);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = owner.map(|(uid, _)| uid).filter(|uid| *uid != 0);
        let found = match owner {
            Some(uid) => by_uid(&passwd, uid).or(Some(Self { name: uid.to_string(), uid, gid: uid, drop_to: true })),
            None => by_name(&passwd, "postgres").or_else(|| by_name(&passwd, "nobody")),
        };
        found.filter(|account| account.uid != 0).ok_or(EmbeddedError::NoAccount)
    }

    fn unprivileged(running: u32, owner: Option<(u32, PathBuf)>) -> Result<Self, EmbeddedError> {
        match owner {
            Some((owner, path)) if owner != running => Err(EmbeddedError::ForeignOwner { path, owner, running }),
            _ => Ok(Self {
                name: std::env::var("USER").unwrap_or_else(|_| running.to_string()),
                uid: running,
                gid: rustix::process::getegid().as_raw(),
                drop_to: false,
            }),
        }
    }

    /// Hands a file or folder over to the account; nothing to do when we are the account.
    pub fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.drop_to {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(EmbeddedError::io("change the owner of", path))
    }

    /// First folder on the way to `target` (itself included) that the account may not enter, by permission bits.
    ///
    /// As root only: groups of the account are dropped, so its own group is the only one that counts.
    pub fn first_closed_folder(&self, target: &Path) -> Option<PathBuf> {
        let mut folders: Vec<&Path> = target.ancestors().collect();
        folders.reverse();
        folders.into_iter().find(|folder| !self.may_enter(folder)).map(Path::to_owned)
    }

    fn may_enter(&self, folder: &Path) -> bool {
        let Ok(metadata) = std::fs::metadata(folder) else { return true };
        let bit = match metadata {
            ref m if m.uid() == self.uid => 0o100,
            ref m if m.gid() == self.gid => 0o010,
            _ => 0o001,
        };
        metadata.mode() & bit != 0
    }
}

fn by_name(passwd: &str, name: &str) -> Option<Account> {
    entries(passwd).find(|account| account.name == name)
}

fn by_uid(passwd: &str, uid: u32) -> Option<Account> {
    entries(passwd).find(|account| account.uid == uid)
}

fn entries(passwd: &str) -> impl Iterator<Item = Account> + '_ {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name, uid, gid, drop_to: true })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbroken line\nnobody:x:65534:65533:nobody:/:/bin/false\n";

    #[test]
    fn reads_ids_by_name_and_by_uid() {
        let nobody = by_name(PASSWD, "nobody").expect("nobody is listed");
        assert_eq!((nobody.uid, nobody.gid), (65534, 65533));
        assert_eq!(by_uid(PASSWD, 65534), Some(nobody));
        assert_eq!(by_name(PASSWD, "postgres"), None);
    }
}
