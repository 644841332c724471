//! The computer: folder, disk, port.

use std::net::SocketAddr;
use std::path::Path;

use super::Check;
use crate::data_dir::DataDir;

const GIB: u64 = 1 << 30;
/// Below this a nightly run with its facts and forecasts may not fit.
const LOW_DISK: u64 = 2 * GIB;
/// Below this PostgreSQL may stop in the middle of a write.
const NO_DISK: u64 = GIB / 4;

/// Creates the folder if need be and writes a file into it.
pub(super) fn data_folder(data: &DataDir) -> Check {
    const NAME: &str = "data folder";
    let path = data.path();
    match write_probe(data) {
        Ok(()) => Check::ok(NAME, format!("`{}` is writable", path.display())),
        Err(error) => Check::failed(
            NAME,
            format!("cannot write to `{}`: {error}", path.display()),
            "change its owner, or set VIRALCAST_DATA_DIR to a folder of yours",
        ),
    }
}

fn write_probe(data: &DataDir) -> std::io::Result<()> {
    let probe = data.create()?.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, "viralcast doctor")?;
    std::fs::remove_file(probe)
}

pub(super) fn disk_space(data: &DataDir) -> Check {
    const NAME: &str = "disk space";
    let existing = data.path().ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(disk) => judge_disk(NAME, disk.f_bavail.saturating_mul(disk.f_frsize), existing),
        Err(error) => Check::warning(NAME, format!("unknown: {error}"), "look with `df`"),
    }
}

fn judge_disk(name: &'static str, free: u64, folder: &Path) -> Check {
    let detail = format!("{:.1} GiB free at `{}`", free as f64 / GIB as f64, folder.display());
    let hint = "free some space, or set VIRALCAST_DATA_DIR to a folder on a larger disk";
    match free {
        0..NO_DISK => Check::failed(name, detail, hint),
        NO_DISK..LOW_DISK => Check::warning(name, detail, hint),
        _ => Check::ok(name, detail),
    }
}

/// Whether the API can listen. A taken port is a warning: it may be this very product that runs already.
pub(super) async fn port(address: SocketAddr) -> Check {
    const NAME: &str = "port";
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Check::warning(
            NAME,
            format!("{address} is in use"),
            "fine if viralcast is running; else stop the other program or set VIRALCAST_HTTP__PORT",
        ),
        Err(error) => {
            Check::failed(NAME, format!("cannot listen on {address}: {error}"), "set VIRALCAST_HTTP__BIND and VIRALCAST_HTTP__PORT")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    #[test]
    fn a_filling_disk_is_noticed_before_it_is_full() {
        let status = |free| judge_disk("disk space", free, Path::new("/")).status;
        assert_eq!([status(3 * GIB), status(GIB), status(1)], [Status::Ok, Status::Warning, Status::Failed]);
    }
}
