//! What the reader of a forecast should know about the series behind it.

use domain::{FeatureSource as _, History, Ordinal};
use models::{GuardCount, GuardKind};

use crate::panel_file::PanelFile;

/// Names listed in one remark.
const LISTED: usize = 5;

/// One line for each kind of oddity: series without a value, too short ones, ones that ended long before the others.
pub fn about_series(file: &PanelFile) -> anyhow::Result<Vec<String>> {
    let histories = file.features.histories(file.last)?;
    let season = usize::from(file.config.season);
    let known = |history: &History| history.values.iter().filter(|value| value.is_finite()).count();
    // A season's silence may be a holiday; more than that is an item no longer sold.
    let silence = Ordinal::from(file.config.season.saturating_mul(2).max(file.config.horizon));

    let pick = |odd: &dyn Fn(&History) -> bool| -> Vec<u32> {
        (0_u32..).zip(&histories).filter(|(_, history)| odd(history)).map(|(series, _)| series).collect()
    };
    let empty = pick(&|history| history.values.is_empty());
    let short = pick(&|history| !history.values.is_empty() && known(history) < season.max(2));
    let ended = pick(&|history| !history.values.is_empty() && file.last - (history.end() - 1) > silence);

    let mut remarks = Vec::new();
    if !empty.is_empty() {
        remarks.push(format!("left out, for lack of any value: {}", names(file, &empty, |_| String::new())));
    }
    if !short.is_empty() {
        let count = |series| format!(" ({})", known(&histories[series as usize]));
        remarks.push(format!("fewer values than a season of {season}, so a rough forecast: {}", names(file, &short, count)));
    }
    if !ended.is_empty() {
        let until = |series: u32| format!(" (until {})", file.label(series, histories[series as usize].end() - 1));
        let listed = names(file, &ended, until);
        remarks.push(format!("ended long before {}, perhaps no longer sold: {listed}", file.report.last));
    }
    Ok(remarks)
}

/// What the guards did, by model; `None` if nothing.
pub fn about_guards(counts: &[GuardCount], place: &str) -> Option<String> {
    let did = |one: &GuardCount| {
        let (count, model) = (one.count, &one.model);
        let plural = if count == 1 { "" } else { "s" };
        match one.kind {
            GuardKind::Negative => format!("{count} negative value{plural} of {model} set to zero"),
            GuardKind::Capped => format!("{count} value{plural} of {model} capped"),
            GuardKind::NotANumber => format!("{count} path{plural} of {model} dropped for what is no number"),
        }
    };
    let listed: Vec<String> = counts.iter().map(did).collect();
    (!counts.is_empty()).then(|| format!("guards, {place}: {}", listed.join(", ")))
}

/// The first few names, each with a detail, and how many more there are.
fn names(file: &PanelFile, series: &[u32], detail: impl Fn(u32) -> String) -> String {
    let all = file.features.series();
    let named = |&series: &u32| format!("`{}`{}", all[series as usize], detail(series));
    let list: Vec<String> = series.iter().take(LISTED).map(named).collect();
    let more = series.len().saturating_sub(LISTED);
    if more == 0 { list.join(", ") } else { format!("{} and {more} more", list.join(", ")) }
}
