//! What a product usually sells on such a day, learnt day by day.

use domain::Ordinal;

use super::latent::Usual;

/// Open days after which a day counts half in the level.
const LEVEL_HALF_LIFE: f64 = 14.0;
/// Of the same weekday, in weeks.
const WEEKDAY_HALF_LIFE: f64 = 10.0;
/// Units of evidence for the store's weekday pattern that a product's own starts with.
const PATTERN_PRIOR: f64 = 100.0;
/// Days after which an error counts half in the spread.
const SPREAD_HALF_LIFE: f64 = 90.0;
/// Days' worth of evidence for the store's spread that a product's own starts with.
const SPREAD_PRIOR: f64 = 20.0;
/// Spread before anything is known, and the least that is believed.
const FIRST_SPREAD: f64 = 0.1;
const LEAST_SPREAD: f64 = 0.005;
/// Bounds of what is asked for at a time, in units.
const CLUMPS: (f64, f64) = (0.05, 50.0);

/// Levels of a store's products as of the last day added.
pub(super) struct Levels {
    products: Vec<Product>,
    store: Pattern,
    store_spread: Spread,
    days: Days,
}

#[derive(Clone, Default)]
struct Product {
    level: Mean,
    pattern: Pattern,
    spread: Spread,
    /// Sum of squares and sum of what single orders took.
    squares: f64,
    taken: f64,
}

/// A decaying weighted mean.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

/// By weekday, what was sold and what the level alone would have said.
#[derive(Clone, Copy, Default)]
struct Pattern([(f64, f64); 7]);

/// Squared errors beyond those of a Poisson stream, and squared means.
#[derive(Clone, Copy, Default)]
struct Spread {
    beyond: f64,
    squared: f64,
    weight: f64,
}

/// How much whole days differ from what the level said, all products together.
#[derive(Clone, Copy, Default)]
struct Days {
    variance: Mean,
}

/// One product's sale on a day, with what was expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sale {
    pub product: usize,
    /// Units; recovered where it sold out.
    pub demand: f64,
}

impl Levels {
    pub fn new(products: usize) -> Self {
        Self {
            products: vec![Product::default(); products],
            store: Pattern::default(),
            store_spread: Spread::default(),
            days: Days::default(),
        }
    }

    /// What is usual for a product on a day after all that was added; `None` before its first sale.
    pub fn usual(&self, product: usize, day: Ordinal) -> Option<Usual> {
        let own = &self.products[product];
        let mean = own.level.get()? * self.index(product, day);
        (mean > 0.0).then(|| Usual { mean, spread: self.spread(product), clump: own.clump() })
    }

    /// How much more or less than usual this whole day brought, by all products' sales: the posterior mean of a factor
    /// around 1 whose variance past days have shown.
    pub fn day_factor(&self, day: Ordinal, sales: &[Sale]) -> f64 {
        let (seen, said, noise) = self.totals(day, sales);
        let between = self.days.variance.get().unwrap_or(0.0).max(0.0);
        let within = noise / (said * said);
        if said > 0.0 && between > 0.0 { 1.0 + (seen / said - 1.0) * between / (between + within) } else { 1.0 }
    }

    /// Learns from one day of all products.
    pub fn add(&mut self, day: Ordinal, sales: &[Sale], factor: f64) {
        let (seen, said, noise) = self.totals(day, sales);
        if said > 0.0 {
            self.days.variance.add((seen / said - 1.0).powi(2) - noise / (said * said), SPREAD_HALF_LIFE);
        }
        let weekday = weekday(day);
        for sale in sales {
            if let Some(usual) = self.usual(sale.product, day) {
                let mean = usual.mean * factor;
                let beyond = (sale.demand - mean).powi(2) - usual.grain() * mean;
                self.store_spread.add(beyond, mean, SPREAD_HALF_LIFE * sales.len() as f64);
                self.products[sale.product].spread.add(beyond, mean, SPREAD_HALF_LIFE);
            }
            if let Some(level) = self.products[sale.product].level.get() {
                self.store.add(weekday, sale.demand / factor, level);
                self.products[sale.product].pattern.add(weekday, sale.demand / factor, level);
            }
            let index = self.index(sale.product, day);
            self.products[sale.product].level.add(sale.demand / (factor * index), LEVEL_HALF_LIFE);
        }
    }

    /// Learns how much is asked for at a time.
    pub fn add_order(&mut self, product: usize, quantity: f64) {
        let own = &mut self.products[product];
        own.squares += quantity * quantity;
        own.taken += quantity;
    }

    fn totals(&self, day: Ordinal, sales: &[Sale]) -> (f64, f64, f64) {
        let expected = sales.iter().filter_map(|sale| Some((sale.demand, self.usual(sale.product, day)?)));
        expected.fold((0.0, 0.0, 0.0), |(seen, said, noise), (demand, usual)| (seen + demand, said + usual.mean, noise + usual.variance()))
    }

    /// The weekday's factor: the product's own, shrunk to the store's.
    fn index(&self, product: usize, day: Ordinal) -> f64 {
        let weekday = weekday(day);
        let store = self.store.index(weekday);
        let (sold, level) = self.products[product].pattern.0[weekday];
        store * (sold + PATTERN_PRIOR) / (level * store + PATTERN_PRIOR)
    }

    fn spread(&self, product: usize) -> f64 {
        let store = self.store_spread.get(FIRST_SPREAD, 0.0, 0.0);
        let own = &self.products[product].spread;
        own.get(store, SPREAD_PRIOR, own.mean_square()).max(LEAST_SPREAD)
    }
}

impl Product {
    fn clump(&self) -> f64 {
        if self.taken > 0.0 { (self.squares / self.taken).clamp(CLUMPS.0, CLUMPS.1) } else { 1.0 }
    }
}

impl Mean {
    fn add(&mut self, value: f64, half_life: f64) {
        let keep = (-1.0 / half_life).exp2();
        self.sum = self.sum * keep + value;
        self.weight = self.weight * keep + 1.0;
    }

    fn get(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

impl Pattern {
    fn add(&mut self, weekday: usize, sold: f64, level: f64) {
        let keep = (-1.0 / WEEKDAY_HALF_LIFE).exp2();
        let (a, b) = self.0[weekday];
        self.0[weekday] = (a * keep + sold, b * keep + level);
    }

    /// Relative to the mean over the weekdays seen.
    fn index(&self, weekday: usize) -> f64 {
        let (sold, level) = self.0[weekday];
        if sold > 0.0 && level > 0.0 { sold / level } else { 1.0 }
    }
}

impl Spread {
    fn add(&mut self, beyond: f64, mean: f64, half_life: f64) {
        let keep = (-1.0 / half_life).exp2();
        self.beyond = self.beyond * keep + beyond;
        self.squared = self.squared * keep + mean * mean;
        self.weight = self.weight * keep + 1.0;
    }

    fn mean_square(&self) -> f64 {
        if self.weight > 0.0 { self.squared / self.weight } else { 0.0 }
    }

    /// Spread over mean squared, shrunk to `prior` with the weight of `days` days.
    fn get(&self, prior: f64, days: f64, square: f64) -> f64 {
        let squared = self.squared + days * square;
        if squared > 0.0 { ((self.beyond + days * square * prior) / squared).max(0.0) } else { prior }
    }
}

fn weekday(day: Ordinal) -> usize {
    day.rem_euclid(7) as usize
}
