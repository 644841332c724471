//! Every worker, one file each: the code of a kind of job whose arguments are in `domain::job`.

mod run_nightly;

use platform::queue::Workers;

use crate::nightly::Nightly;

/// All workers of this program.
#[must_use]
pub fn all(nightly: &Nightly) -> Workers {
    Workers::new().add(run_nightly::worker(nightly.clone()))
}

/// Kinds that schedules may name.
pub const KINDS: [&str; 1] = [run_nightly::KIND];
