//! Progress on a terminal; silence elsewhere, where log lines tell the story.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `total` steps (0: not known yet), hidden unless stderr is a terminal.
pub fn bar(total: u64, message: impl Into<String>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = if total == 0 { "{spinner} {msg} {elapsed}" } else { "{spinner} {msg} [{bar:30}] {pos}/{len} {eta}" };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(message.into());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Sets the bar to `done` of `total`, giving it a length the first time one is known.
pub fn advance(bar: &ProgressBar, done: usize, total: usize) {
    if bar.length() != Some(total as u64)
        && let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
        bar.set_length(total as u64);
    }
    bar.set_position(done as u64);
}
