//! Line plots as SVG.

use std::fmt::Write as _;

/// A plot with named places on the x axis and a logarithmic y axis.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) y_label: &'a str,
    pub(super) places: &'a [&'a str],
    pub(super) lines: Vec<Line<'a>>,
}

/// One line, with a value per place where there is one.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<Option<f64>>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 260.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// Distinct without red against green.
const COLOURS: [&str; 11] = [
    "#d55e00", "#e69f00", "#000000", "#777777", "#0072b2", "#56b4e9", "#cc79a7", "#8c6bb1",
    "#44aa99", "#999933", "#aa4499",
];

impl Plot<'_> {
    pub(super) fn svg(&self) -> String {
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{LEFT}" y="20" font-size="14">{}</text>
<text x="{LEFT}" y="34" fill="#555555">{}</text>
"##,
            self.title, self.y_label
        );
        self.axes(&mut svg);
        for (index, line) in self.lines.iter().enumerate() {
            self.line(&mut svg, index, line);
        }
        svg + "</svg>\n"
    }

    fn axes(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (index, place) in self.places.iter().enumerate() {
            let (x, y) = (self.x(index), bottom + 18.0);
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{place}</text>"#
            );
        }
        for tick in ticks(self.range()) {
            let (y, x) = (self.y(tick), LEFT - 6.0);
            let _ = writeln!(
                svg,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#dddddd"/><text x="{x}" y="{:.1}" text-anchor="end">{tick}</text>"##,
                y + 4.0
            );
        }
    }

    fn line(&self, svg: &mut String, index: usize, line: &Line<'_>) {
        let colour = COLOURS[index % COLOURS.len()];
        let points: Vec<String> = self
            .points(line)
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            points.join(" ")
        );
        for (x, y) in self.points(line) {
            let _ = writeln!(
                svg,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#
            );
        }
        let (x, y) = (WIDTH - RIGHT + 20.0, TOP + 18.0 * index as f64);
        let _ = writeln!(
            svg,
            r#"<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/><text x="{}" y="{}">{}</text>"#,
            x + 18.0,
            y + 10.0,
            line.name
        );
    }

    fn points(&self, line: &Line<'_>) -> impl Iterator<Item = (f64, f64)> {
        let values = line.values.iter().enumerate();
        values.filter_map(|(index, value)| Some((self.x(index), self.y((*value)?))))
    }

    fn x(&self, index: usize) -> f64 {
        let step = (WIDTH - LEFT - RIGHT) / self.places.len().max(1) as f64;
        LEFT + step * (index as f64 + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.range();
        let share = (value.ln() - low.ln()) / (high.ln() - low.ln());
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    /// A little beyond the smallest and the largest value.
    fn range(&self) -> (f64, f64) {
        let values = self
            .lines
            .iter()
            .flat_map(|line| line.values.iter().flatten());
        let positive = values.copied().filter(|value| *value > 0.0);
        let (low, high) = positive.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            (1.0, 10.0)
        } else {
            (low * 0.8, high * 1.25)
        }
    }
}

/// 1, 2 and 5 in each decade of a range.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = decades.flat_map(|decade| [1, 2, 5].map(|digit| tick(digit, decade)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

/// Divides where it would else multiply by a fraction: 0.2, not 0.2 and a bit.
fn tick(digit: i32, decade: i32) -> f64 {
    let power = 10_f64.powi(decade.abs());
    if decade < 0 {
        f64::from(digit) / power
    } else {
        f64::from(digit) * power
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Plot, ticks};

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks((0.3, 12.0)), [0.5, 1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn a_missing_value_has_no_point() {
        let plot = Plot {
            title: "title",
            y_label: "label",
            places: &["a", "b"],
            lines: vec![Line {
                name: "line",
                values: vec![Some(1.0), None],
            }],
        };
        assert_eq!(plot.svg().matches("<circle").count(), 1);
    }
}
