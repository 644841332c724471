//! A fan chart as SVG: history, quantile bands, median, held-out actuals.

use std::fmt::Write as _;

use domain::StepForecast;

use super::Chart;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 28.0;

/// Bands from the widest to the narrowest: pairs of indices into the nine quantiles, and their class.
const BANDS: [(usize, usize, &str); 3] = [(0, 8, "band95"), (2, 6, "band80"), (3, 5, "band50")];

/// Maps ordinals and values to the drawing.
struct Scale {
    first: i64,
    last: i64,
    top: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let periods = || {
            let fans = chart.fans.iter().flatten().map(|step| step.at);
            chart.history.iter().chain(&chart.held_out).map(|point| point.0).chain(fans)
        };
        let values = chart.history.iter().chain(&chart.held_out).map(|point| point.1).filter(|value| value.is_finite());
        let fans = chart.fans.iter().flatten().map(|step| step.quantiles.values()[7].max(step.yhat));
        let top = values.chain(fans).fold(0.0, f64::max);
        Self {
            first: periods().min().unwrap_or(0),
            last: periods().max().unwrap_or(1),
            top: if top > 0.0 { nice_ceiling(top) } else { 1.0 },
        }
    }

    fn x(&self, at: i64) -> f64 {
        let span = (self.last - self.first).max(1) as f64;
        LEFT + (at - self.first) as f64 / span * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.top).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }
}

/// The smallest round number that is not below `value`: few digits, so that the axis reads well.
fn nice_ceiling(value: f64) -> f64 {
    let magnitude = 10_f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * magnitude)
        .find(|&step| step >= value)
        .unwrap_or(value)
}

/// The chart's drawing, without its caption.
pub fn render(chart: &Chart) -> String {
    let scale = Scale::of(chart);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", super::page::escape(&chart.name));
    axes(&mut svg, chart, &scale);
    for fan in &chart.fans {
        bands(&mut svg, fan, &scale);
    }
    line(&mut svg, "history", chart.history.iter().copied(), &scale);
    for fan in &chart.fans {
        line(&mut svg, "median", fan.iter().map(|step| (step.at, step.quantiles.median())), &scale);
        if let Some(step) = fan.first() {
            let x = scale.x(step.at) - (scale.x(step.at) - scale.x(step.at - 1)) / 2.0;
            let _ = write!(svg, "<line class=\"cutoff\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>", HEIGHT - BOTTOM);
        }
    }
    for (at, value) in chart.held_out.iter().filter(|point| point.1.is_finite()) {
        let _ = write!(svg, "<circle class=\"actual\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.2\"/>", scale.x(*at), scale.y(*value));
    }
    svg.push_str("</svg>");
    svg
}

fn axes(svg: &mut String, chart: &Chart, scale: &Scale) {
    for share in [0.0, 0.5, 1.0] {
        let (value, y) = (scale.top * share, scale.y(scale.top * share));
        let right = WIDTH - RIGHT;
        let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
        let _ =
            write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" class=\"tick\" text-anchor=\"end\">{}</text>", LEFT - 6.0, y + 4.0, short(value));
    }
    for (index, (at, label)) in chart.labels.iter().enumerate() {
        let anchor = match index {
            0 => "start",
            last if last + 1 == chart.labels.len() => "end",
            _ => "middle",
        };
        let (x, y) = (scale.x(*at), HEIGHT - 6.0);
        let _ =
            write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"tick\" text-anchor=\"{anchor}\">{}</text>", super::page::escape(label));
    }
}

fn bands(svg: &mut String, fan: &[StepForecast], scale: &Scale) {
    for (low, high, class) in BANDS {
        let upper = fan.iter().map(|step| (step.at, step.quantiles.values()[high]));
        let lower = fan.iter().rev().map(|step| (step.at, step.quantiles.values()[low]));
        let points: Vec<String> = upper.chain(lower).map(|(at, value)| format!("{:.1},{:.1}", scale.x(at), scale.y(value))).collect();
        let _ = write!(svg, "<polygon class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }
}

/// A line that breaks where a value is missing.
fn line(svg: &mut String, class: &str, points: impl Iterator<Item = (i64, f64)>, scale: &Scale) {
    let (mut path, mut pen_down) = (String::new(), false);
    for (at, value) in points {
        if value.is_finite() {
            let command = if pen_down { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", scale.x(at), scale.y(value));
        }
        pen_down = value.is_finite();
    }
    let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{}M", trim(v / 1e6)),
        v if v >= 1e4 => format!("{}k", trim(v / 1e3)),
        v => trim(v),
    }
}

fn trim(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_tops_are_round_numbers() {
        let tops = [0.45, 1.0, 7.0, 23.0, 24.0, 260.0, 999.0].map(nice_ceiling);
        assert_eq!(tops, [0.5, 1.0, 8.0, 25.0, 25.0, 300.0, 1000.0]);
    }

    #[test]
    fn an_empty_chart_still_draws() {
        let svg = render(&Chart { name: "a < b".into(), ..Chart::default() });
        assert!(svg.starts_with("<svg") && svg.contains("a &lt; b") && !svg.contains("NaN"));
    }
}
