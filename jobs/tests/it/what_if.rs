//! Suppositions on the models that a night has kept.

use std::sync::Arc;

use domain::Driver;
use jobs::nightly;
use jobs::what_if::{Supposition, WhatIf, WhatIfError, what_if};

use crate::shop::{NIGHT, Shop, date};

fn nothing() -> Supposition {
    Supposition { from: date(NIGHT), to: date(NIGHT), rain_mm: None, discount: None, product: None, closed: None }
}

async fn ask(shop: &Shop, supposition: &Supposition) -> Result<WhatIf, WhatIfError> {
    what_if(&shop.nightly(), &shop.store, date(NIGHT), supposition).await
}

#[tokio::test]
async fn closed_days_and_promotions_are_supposed_without_a_fit() {
    let shop = Shop::open().await;
    let closed = Supposition { closed: Some(true), ..nothing() };
    assert!(matches!(ask(&shop, &closed).await, Err(WhatIfError::NoModels { .. })));
    let report = nightly::run(&shop.nightly(), &shop.store, date(NIGHT), Arc::new(|_| ())).await.expect("a night");

    let found = ask(&shop, &closed).await.expect("answers");
    assert_eq!((found.answers.len(), found.trained_until), (report.series, date("2026-06-15")));
    for answer in &found.answers {
        assert!(answer.expected.yhat > 0.0 && answer.supposed.yhat == 0.0, "{answer:?}");
        assert!(answer.why.units(Driver::Closed) < 0.0 && answer.why.total().abs() < 1e-9, "{answer:?}");
    }

    // A promotion of one product on two days: the others sell as they would.
    let cheap = Supposition { to: date("2026-06-17"), discount: Some(0.2), product: Some("NASI".to_owned()), ..nothing() };
    let found = ask(&shop, &cheap).await.expect("answers");
    assert_eq!(found.answers.len(), 2 * report.series);
    for answer in &found.answers {
        let (before, after) = (answer.expected.yhat, answer.supposed.yhat);
        assert!((answer.why.total() - after).abs() < 1e-9 * after.max(1.0), "{answer:?}");
        match answer.product.as_str() {
            "nasi" => assert!(after != before, "{answer:?}"),
            _ => assert!((after - before).abs() <= 0.02 * before, "{answer:?}"),
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn what_cannot_be_supposed_is_refused() {
    let shop = Shop::open().await;
    nightly::run(&shop.nightly(), &shop.store, date(NIGHT), Arc::new(|_| ())).await.expect("a night");
    assert!(matches!(ask(&shop, &nothing()).await, Err(WhatIfError::Nothing)));
    let rain = |rain_mm| Supposition { rain_mm: Some(rain_mm), ..nothing() };
    assert!(matches!(ask(&shop, &rain(-1.0)).await, Err(WhatIfError::OutOfRange { what: "rain", .. })));
    assert!(matches!(ask(&shop, &rain(f64::NAN)).await, Err(WhatIfError::OutOfRange { .. })));
    for (from, to) in [("2026-06-15", NIGHT), (NIGHT, "2026-06-30"), ("2026-06-18", "2026-06-17")] {
        let beyond = Supposition { from: date(from), to: date(to), ..rain(5.0) };
        assert!(matches!(ask(&shop, &beyond).await, Err(WhatIfError::OutOfReach { .. })), "{from} {to}");
    }
    let unknown = Supposition { discount: Some(0.1), product: Some("pizza".to_owned()), ..nothing() };
    let error = ask(&shop, &unknown).await.expect_err("no such product");
    assert!(matches!(&error, WhatIfError::UnknownProduct { known, .. } if known.contains("nasi")), "{error:?}");
    shop.close().await;
}
