//! What this crate tells the log and the metrics, together.

use crate::sales_csv::{Counts, Report, SOURCE};

pub(crate) fn sales_ingested(report: &Report) {
    let Counts { loaded, superseded, unchanged } = report.facts.unwrap_or_default();
    for (outcome, count) in [("loaded", loaded), ("superseded", superseded), ("unchanged", unchanged), ("quarantined", report.quarantined)]
    {
        metrics::counter!("viralcast_ingested_facts_total", "source" => SOURCE, "outcome" => outcome).increment(count);
    }
    tracing::info!(
        source.name = SOURCE,
        store.slug = %report.store,
        file = %report.file,
        rows_read = report.rows_read,
        loaded,
        superseded,
        unchanged,
        quarantined = report.quarantined,
        "sales of `{}` ingested from `{}`: {loaded} loaded, {superseded} superseded, {unchanged} unchanged, {} quarantined",
        report.store,
        report.file,
        report.quarantined,
    );
}
