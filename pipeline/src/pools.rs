//! Pools of the cutoffs asked for last: several layouts of one fold, or steps one by one, share one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Ordinal;

use crate::pool::Pool;

/// Pools kept: folds that are fitted side by side.
const KEPT: usize = 4;

#[derive(Default)]
pub(crate) struct Pools {
    kept: Mutex<VecDeque<(Ordinal, Arc<Pool>)>>,
}

impl Pools {
    pub fn get_or_make(&self, cutoff: Ordinal, make: impl FnOnce() -> Pool) -> Arc<Pool> {
        if let Some(pool) = self.get(cutoff) {
            return pool;
        }
        // Made outside the lock: two askers may both make one, and both get the same.
        let pool = Arc::new(make());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((cutoff, Arc::clone(&pool)));
        kept.truncate(KEPT);
        pool
    }

    fn get(&self, cutoff: Ordinal) -> Option<Arc<Pool>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| *of == cutoff).map(|(_, pool)| Arc::clone(pool))
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
