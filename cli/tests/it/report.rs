//! The page of `--report`: whole by itself, and with everything it promises.

use crate::desk::Desk;
use crate::panels::{csv, daily, day};

/// Names of the elements that are open where they should not be, or closed where they are not open.
fn unbalanced(html: &str) -> Vec<String> {
    const VOID: [&str; 3] = ["meta", "br", "!doctype"];
    let (mut open, mut wrong) = (Vec::new(), Vec::new());
    for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default().to_owned();
        if tag.starts_with('/') {
            if open.pop().as_ref() != Some(&name) {
                wrong.push(format!("</{name}>"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    wrong.extend(open);
    wrong
}

fn assert_self_contained(html: &str) {
    let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "//", " src=", "<script", "<link", "@import", "url(", " onload"] {
        assert!(!without_namespace.contains(outside), "the page refers to `{outside}`");
    }
    assert_eq!(unbalanced(html), [""; 0]);
    assert!(!html.contains("NaN") && !html.contains("inf"), "a figure is not a number");
}

#[test]
fn balance_is_checked_for_real() {
    assert_eq!(unbalanced("<!doctype html><p>a<b>c</b></p><path d=\"\"/>"), [""; 0]);
    assert_eq!(unbalanced("<p><b></p></b>"), ["</p>", "</b>"]);
    assert_eq!(unbalanced("<div><p></p>"), ["div"]);
}

#[test]
fn a_forecast_report_shows_every_series() {
    let mut rows = daily(3, 90);
    rows.extend((0..90).map(|step| ("dead <b>&\"".to_owned(), day(step).to_string(), String::new())));
    let desk = Desk::with("sales.csv", csv(&rows).replace("dead <b>&\"", "\"dead <b>&\"\"\""));
    let ran = desk.done("forecast sales.csv --horizon 7 --effort fast --output out.csv --report out.html");
    assert!(ran.stderr.ends_with("report: out.html\n"), "{}", ran.stderr);
    let html = desk.text("out.html");
    assert_self_contained(&html);
    assert_eq!(html.matches("<svg ").count(), 3);
    assert_eq!((html.matches("class=\"band95\"").count(), html.matches("class=\"median\"").count()), (3, 3));
    for part in [
        "<h1>Forecast of sales.csv</h1>",
        "3 series, the 7 days after 2025-03-31.",
        "<strong>menu-2</strong>",
        "</span>median forecast</span>",
        "<h2>Accuracy</h2>",
        "<td>seasonal_naive</td>",
        "dead &lt;b&gt;&amp;&quot;",
        "<th>effort</th><td>fast</td>",
        "<th>season</th><td>7</td>",
        "viralcast forecast sales.csv --horizon 7 --effort fast --output out.csv --report out.html</pre>",
    ] {
        assert!(html.contains(part), "the page lacks {part}");
    }
}

#[test]
fn a_backtest_report_shows_what_then_happened() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 90)));
    desk.done("backtest sales.csv --horizon 5 --windows 2 --effort fast --report out.html");
    let html = desk.text("out.html");
    assert_self_contained(&html);
    assert!(html.contains("held-out actual"));
    assert_eq!(html.matches("<svg ").count(), 3);
    assert_eq!(html.matches("class=\"band80\"").count(), 3 * 2);
    assert_eq!(html.matches("<circle class=\"actual\"").count(), 3 * 2 * 5, "every held-out sale is a dot");
    for part in [
        "<h2>Accuracy</h2>",
        "<th>MASE</th>",
        "<tr class=\"ours\"><td>viralcast</td>",
        "<tr class=\"baseline\"><td>seasonal_naive</td>",
        "<th>windows</th><td>2</td>",
    ] {
        assert!(html.contains(part), "the page lacks {part}");
    }
}

#[test]
fn the_command_on_the_page_can_be_pasted() {
    let desk = Desk::with("sales.csv", csv(&daily(1, 40)));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_viralcast"))
        .args(["forecast", "sales.csv", "--horizon", "2", "--effort", "fast", "--report", "ibu's page $1.html"])
        .current_dir(desk.path(""))
        .output()
        .expect("the binary");
    assert!(output.status.success());
    let html = desk.text("ibu's page $1.html");
    assert!(html.contains(r"--report 'ibu'\''s page $1.html'</pre>"), "{}", &html[html.find("<pre>").expect("a command")..]);
}
