//! The page around the charts.

use std::fmt::Write as _;

use super::{Accuracy, Chart, Report, chart};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn render(report: &Report) -> String {
    let title = escape(&report.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><header><h1>{title}</h1><p>{}</p></header>",
        escape(&report.summary)
    );
    for note in &report.notes {
        let _ = write!(html, "<p class=\"note\">{}</p>", escape(note));
    }
    report.tables.iter().for_each(|one| html.push_str(&table(one)));
    if !report.charts.is_empty() {
        html.push_str("<h2>Forecasts</h2>");
        html.push_str(&legend(report));
        html.push_str("<div class=\"charts\">");
        report.charts.iter().for_each(|chart| html.push_str(&figure(chart)));
        html.push_str("</div>");
    }
    if report.not_shown > 0 {
        let _ = write!(html, "<p class=\"quiet\">{} more series are in the output file.</p>", report.not_shown);
    }
    html.push_str(&settings(report));
    html.push_str("</main></body></html>\n");
    html
}

/// Class and meaning of what a chart shows.
const LEGEND: [(&str, &str); 6] = [
    ("history", "observed"),
    ("median", "median forecast"),
    ("band50", "50 % of outcomes"),
    ("band80", "80 %"),
    ("band95", "95 %"),
    ("actual", "held-out actual"),
];

fn legend(report: &Report) -> String {
    let has_actuals = report.charts.iter().any(|chart| !chart.held_out.is_empty());
    let shown = LEGEND.iter().filter(|(class, _)| has_actuals || *class != "actual");
    let keys: String = shown.map(|(class, meaning)| format!("<span><span class=\"key {class}\"></span>{meaning}</span>")).collect();
    format!("<p class=\"legend\">{keys}</p>")
}

fn figure(data: &Chart) -> String {
    let (name, note) = (escape(&data.name), escape(&data.note));
    format!("<figure><figcaption><strong>{name}</strong> <span>{note}</span></figcaption>{}</figure>", chart::render(data))
}

fn table(accuracy: &Accuracy) -> String {
    let mut html =
        format!("<h2>{}</h2><div class=\"scroll\"><table><thead><tr><th>{}</th>", escape(accuracy.title), escape(accuracy.rows_are));
    for metric in &accuracy.metrics {
        let _ = write!(html, "<th>{}</th>", escape(metric));
    }
    html.push_str("</tr></thead><tbody>");
    for (model, values) in &accuracy.rows {
        let class = match model.as_str() {
            "viralcast" => " class=\"ours\"",
            "seasonal_naive" => " class=\"baseline\"",
            _ => "",
        };
        let _ = write!(html, "<tr{class}><td>{}</td>", escape(model));
        for value in values {
            let _ = write!(html, "<td>{}</td>", value.as_deref().map_or_else(|| "–".to_owned(), escape));
        }
        html.push_str("</tr>");
    }
    let _ = write!(html, "</tbody></table></div><p class=\"quiet\">{}</p>", escape(&accuracy.caption));
    html
}

fn settings(report: &Report) -> String {
    let mut html = String::from("<h2>Settings</h2><div class=\"scroll\"><table class=\"settings\"><tbody>");
    for (name, value) in &report.settings {
        let _ = write!(html, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
    }
    let _ = write!(html, "</tbody></table></div><p>Make this page again:</p><pre>{}</pre>", escape(&report.command));
    html
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
