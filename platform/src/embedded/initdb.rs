//! Creates the cluster: into a folder of another name first, so that a cut-off initdb is never mistaken for one.

use std::path::Path;
use std::process::{Output, Stdio};

use super::binaries::Binaries;
use super::layout::Layout;
use super::server::command;
use super::{EmbeddedError, Role, Tuning};

/// The binaries for this cluster, which is created if there is none yet. The caller holds the start lock.
pub(super) async fn ensure_cluster(layout: &Layout, tuning: Tuning) -> Result<Binaries, EmbeddedError> {
    let data = layout.data();
    if data.exists() {
        return Binaries::find(Some(cluster_version(&data)?), &data).await;
    }
    let binaries = Binaries::find(None, &data).await?;
    let unfinished = layout.unfinished_data();
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(EmbeddedError::io("remove the unfinished cluster", &unfinished))?;
    }
    tracing::info!(data = %data.display(), postgres = binaries.major, "creating the database cluster");
    let output = run(&binaries, layout, tuning).await?;
    if !output.status.success() {
        return Err(EmbeddedError::InitFailed { data, output: said(&output) });
    }
    std::fs::rename(&unfinished, &data).map_err(EmbeddedError::io("move the finished cluster to", &data))?;
    Ok(binaries)
}

async fn run(binaries: &Binaries, layout: &Layout, tuning: Tuning) -> Result<Output, EmbeddedError> {
    let program = binaries.program("initdb");
    let mut initdb = command(&program, layout);
    initdb.arg("-D").arg(layout.unfinished_data());
    initdb.args(["-U", Role::Superuser.name(), "-A", "trust", "-E", "UTF8", "--data-checksums"]);
    initdb.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
    if tuning == Tuning::Disposable {
        initdb.arg("--no-sync");
    }
    initdb.stdin(Stdio::null());
    initdb.output().await.map_err(EmbeddedError::io("run", program))
}

/// Major version that made the cluster in `data`.
fn cluster_version(data: &Path) -> Result<u32, EmbeddedError> {
    let text = std::fs::read_to_string(data.join("PG_VERSION")).ok();
    let major = text.and_then(|text| text.trim().parse().ok());
    major.ok_or_else(|| EmbeddedError::NotACluster { data: data.to_owned() })
}

fn said(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}
