//! Ask the kept models of a store what would be if.

use std::collections::HashMap;

use domain::Idr;
use domain::failure::Failure;
use domain::job::{Outcome, Suppose};
use domain::supposition::{Supposed, SupposedDay};
use platform::db::products::{ProductRow, list_products};
use platform::db::stores::StoreRow;
use platform::queue::{JobContext, Worker};

use super::run_nightly::open_store;
use crate::asked;
use crate::nightly::{NightError, Nightly};
use crate::what_if::{Answer, WhatIfError, what_if};

/// The worker of [`Suppose`].
pub fn worker(nightly: Nightly) -> impl Worker<Suppose> {
    SupposeWorker(nightly)
}

struct SupposeWorker(Nightly);

impl Worker<Suppose> for SupposeWorker {
    async fn work(&self, args: Suppose, context: JobContext) -> Outcome {
        let store = match open_store(&self.0, args.store_id).await {
            Ok(store) => store,
            Err(Outcome::Cancel(reason)) => return asked::refused(&self.0, &context, &Failure::StoreClosed, reason).await,
            Err(outcome) => return outcome,
        };
        match self.answer(&store, &args).await {
            Ok(supposed) => asked::done(&self.0, &context, &supposed).await,
            Err(error) if error.may_pass() => asked::failed(&self.0, &context, error).await,
            Err(error) => asked::refused(&self.0, &context, &error.failure(), error.to_string()).await,
        }
    }
}

impl SupposeWorker {
    async fn answer(&self, store: &StoreRow, args: &Suppose) -> Result<Supposed, WhatIfError> {
        let found = what_if(&self.0, store, args.today, &args.supposition).await?;
        let products = list_products(&self.0.work, store.id).await.map_err(NightError::from)?;
        let products: HashMap<&str, &ProductRow> = products.iter().map(|product| (product.name.as_str(), product)).collect();
        let day = |answer: Answer| {
            let product = products.get(answer.product.as_str())?;
            Some(SupposedDay {
                product_id: product.id,
                product: answer.product,
                unit: product.unit.clone(),
                price: product.price.map(Idr),
                date: answer.date,
                expected: answer.expected,
                supposed: answer.supposed,
                why: answer.why,
            })
        };
        Ok(Supposed { trained_until: found.trained_until, answers: found.answers.into_iter().filter_map(day).collect() })
    }
}
