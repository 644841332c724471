//! What this crate tells the log and the metrics, together.

use crate::sales_csv::{Counts, Report, SOURCE};
use crate::take::{TakeError, Taken};

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

pub(crate) fn taken(source: &'static str, taken: &Taken) {
    metrics::counter!("viralcast_ingested_facts_total", "source" => source, "outcome" => "loaded").increment(taken.new_facts);
    metrics::counter!("viralcast_ingested_facts_total", "source" => source, "outcome" => "quarantined").increment(taken.quarantined);
    let Taken { records, facts, new_facts, quarantined, .. } = *taken;
    tracing::info!(
        source.name = source,
        records,
        facts,
        new_facts,
        quarantined,
        "{source}: {new_facts} of {facts} facts are new, {quarantined} rows quarantined"
    );
}

pub(crate) fn finding(source: &'static str, scope: &str, check: &'static str, detail: &str) {
    metrics::counter!("ingest_findings_total", "source" => source, "check" => check).increment(1);
    tracing::warn!(source.name = source, scope, check, detail, "{source} for `{scope}`: {detail}");
}

pub(crate) fn not_taken(source: &'static str, scope: &str, error: &TakeError) {
    metrics::counter!("ingest_failures_total", "source" => source).increment(1);
    tracing::warn!(source.name = source, scope, error = error as &dyn std::error::Error, "{source} could not be had for `{scope}`");
}
