//! What can be chosen about the features, and what follows from it.

use domain::Frequency;

/// Choices about the features of a panel.
#[derive(Debug, Clone, Default)]
pub struct FeatureConfig {
    /// Seasonal period in steps; `None` takes the frequency's own ([`Frequency::default_season`]).
    pub season: Option<u16>,
    /// Families to leave out, by name (see [`crate::families`]).
    pub exclude: Vec<String>,
}

/// Steps that all families count in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub frequency: Frequency,
    /// Seasonal period in steps, at least 1.
    pub season: usize,
    /// Steps between the youngest usable value and the target, at least 1.
    pub lead: usize,
}

impl Shape {
    pub fn new(frequency: Frequency, config: &FeatureConfig, lead: u16) -> Self {
        let season = config.season.unwrap_or_else(|| frequency.default_season());
        Self { frequency, season: usize::from(season.max(1)), lead: usize::from(lead.max(1)) }
    }

    /// The shortest window worth averaging over: a week of days, a month of weeks, a quarter of months, else a season.
    pub fn unit(&self) -> usize {
        match self.frequency {
            Frequency::Daily if (2..=14).contains(&self.season) => self.season,
            Frequency::Daily => 7,
            Frequency::Weekly { .. } => 4,
            Frequency::Monthly { .. } => 3,
            Frequency::Minutes { .. } | Frequency::Integer if self.season > 1 => self.season.clamp(4, 96),
            Frequency::Minutes { .. } | Frequency::Integer => 7,
        }
    }

    /// The four windows of rolling statistics, in steps: 7, 14, 28 and 56 days, or the like.
    pub fn windows(&self) -> [usize; 4] {
        [1, 2, 4, 8].map(|times| times * self.unit())
    }

    /// The longest of [`Shape::windows`]; what lies farther back counts as long ago.
    pub fn long_ago(&self) -> usize {
        8 * self.unit()
    }
}
