use std::path::PathBuf;

use super::setting::settings;

settings! {
    /// The folder in which everything embedded keeps its files.
    pub struct DataConfig in "data" {
        /// Data folder. Unset: `/var/lib/viralcast` as root, `viralcast` in the XDG data folder (`~/.local/share`) of any other user.
        dir: Option<PathBuf> = None, "VIRALCAST_DATA_DIR";
    }
}
