//! Invented articles: what a query is about, and what was written about it.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use chrono_tz::{Asia::Jakarta, Tz};

use crate::world::{Key, SimulatedWorld, Stream, Topic, to_utc};

/// How far back the search sees without a limit.
const MEMORY: Duration = Duration::days(365);
/// Mentions that make one article of a day.
const MENTIONS_AN_ARTICLE: u32 = 10;
/// Invented papers: name and host.
const PAPERS: [(&str, &str); 5] = [
    ("Warta Contoh", "warta.example.test"),
    ("Kabar Dapur", "kabardapur.example.test"),
    ("Pasar Hari Ini", "pasar.example.test"),
    ("Suara Warung", "suarawarung.example.test"),
    ("Harian Simulasi", "simulasi.example.test"),
];

/// What a query is about.
pub(super) enum Subject<'a> {
    /// A topic of the world; it is written about as loudly as the world talks of it.
    Topic(&'a Topic, Tz),
    /// Something the kitchens buy; a few articles a week, always.
    Ingredient { slug: &'a str, name: &'a str },
}

/// One article, found on one page.
pub(super) struct Article {
    pub(super) title: String,
    pub(super) link: String,
    pub(super) snippet: String,
    pub(super) source: &'static str,
    pub(super) published: DateTime<Utc>,
    /// Its local day.
    pub(super) day: NaiveDate,
    /// Draws of what is shown of it.
    pub(super) key: Key,
}

/// The words of a query: without operators and quotes.
pub(super) fn words(query: &str) -> Vec<String> {
    let plain = query.split_whitespace().filter(|word| !word.contains(':') && !word.starts_with('-'));
    let words = plain.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

/// The value of `operator:` in a query.
pub(super) fn operator<'a>(query: &'a str, operator: &str) -> Option<&'a str> {
    query.split_whitespace().find_map(|word| word.strip_prefix(operator)?.strip_prefix(':'))
}

impl<'a> Subject<'a> {
    /// The topic, product or ingredient of which the query has every word; the longest name of several.
    pub(super) fn of(world: &'a SimulatedWorld, query: &str) -> Option<Self> {
        let words = words(query);
        let named = |name: &str| {
            let parts: Vec<String> = name.to_lowercase().split([' ', '-']).map(str::to_owned).collect();
            if parts.iter().all(|part| words.contains(part)) { parts.len() } else { 0 }
        };
        let mut best: (usize, Option<Subject>) = (0, None);
        for topic in &world.definition.topics {
            let names = std::iter::once(&topic.slug).chain(&topic.products);
            let score = names.map(|name| named(name)).max().unwrap_or(0);
            if score > best.0 {
                let zone = world.definition.store(&topic.store).map_or(Jakarta, |store| store.zone);
                best = (score, Some(Subject::Topic(topic, zone)));
            }
        }
        for ingredient in &world.definition.ingredients {
            let score = named(&ingredient.slug).max(named(&ingredient.name));
            if score > best.0 {
                best = (score, Some(Subject::Ingredient { slug: &ingredient.slug, name: &ingredient.name }));
            }
        }
        best.1
    }

    fn slug(&self) -> &str {
        match self {
            Subject::Topic(topic, _) => &topic.slug,
            Subject::Ingredient { slug, .. } => slug,
        }
    }

    fn zone(&self) -> Tz {
        match self {
            Subject::Topic(_, zone) => *zone,
            Subject::Ingredient { .. } => Jakarta,
        }
    }

    fn title(&self, form: u32, place: &str) -> String {
        match self {
            Subject::Topic(topic, _) => match form {
                0 => topic.headline.clone(),
                1 => format!("{}, ini kata penjual", topic.headline),
                2 => format!("{}: yang perlu diketahui", topic.headline),
                _ => format!("Warganet membahas: {}", topic.headline),
            },
            Subject::Ingredient { name, .. } => match form {
                0 => format!("Harga {} di pasar {place} bergerak naik", name.to_lowercase()),
                1 => format!("{name} di {place} terpantau stabil"),
                2 => format!("Pedagang {place} bicara soal harga {}", name.to_lowercase()),
                _ => format!("Pasokan {} ke {place} kembali lancar", name.to_lowercase()),
            },
        }
    }

    /// Everything about it that was out by `now` and not before `since`, the newest first. Some articles are found twice,
    /// under a link with a campaign mark or as an AMP page.
    pub(super) fn articles(&self, world: &SimulatedWorld, since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<Article> {
        let since = since.unwrap_or(now - MEMORY);
        let mentions = self.mentions(world);
        let key = Key::root(world.seed).of("serper").of(self.slug());
        let local = |time: DateTime<Utc>| time.with_timezone(&self.zone()).date_naive();
        let mut articles = Vec::new();
        for day in local(since).iter_days().take_while(|day| *day <= local(now)) {
            let key = key.at(i64::from(day.num_days_from_ce()));
            for number in 0..self.count(key, day, &mentions) {
                let article = self.article(world, key.at(i64::from(number)), day, number);
                if (since..=now).contains(&article.published) {
                    articles.extend(article.again());
                    articles.push(article);
                }
            }
        }
        // A link decides between two finds of one article, so that the order never depends on chance.
        articles.sort_by(|a, b| (b.published, &a.link).cmp(&(a.published, &b.link)));
        articles
    }

    fn mentions(&self, world: &SimulatedWorld) -> HashMap<NaiveDate, u32> {
        let Subject::Topic(topic, _) = self else { return HashMap::new() };
        let rows = world.news_signals.iter().filter(|row| row.store == topic.store && row.topic == topic.slug);
        rows.map(|row| (row.date, row.mentions)).collect()
    }

    fn count(&self, key: Key, day: NaiveDate, mentions: &HashMap<NaiveDate, u32>) -> u32 {
        match self {
            Subject::Topic(..) => mentions.get(&day).map_or(0, |mentions| mentions.div_ceil(MENTIONS_AN_ARTICLE)),
            Subject::Ingredient { .. } => key.of("count").stream().poisson(0.6),
        }
    }

    fn article(&self, world: &SimulatedWorld, key: Key, day: NaiveDate, number: u32) -> Article {
        let mut stream = key.stream();
        let (source, host) = PAPERS[stream.below(PAPERS.len() as u32) as usize];
        let stores = &world.definition.stores;
        let place = match self {
            Subject::Topic(topic, _) => world.definition.store(&topic.store),
            Subject::Ingredient { .. } => stores.get(stream.below(stores.len() as u32) as usize),
        };
        let city = place.map_or("Jakarta", |store| store.region.city.trim_start_matches("Kota "));
        let title = self.title(stream.below(4), city);
        // Editors work from six in the morning to nine at night.
        let minutes = i64::from(6 * 60 + stream.below(15 * 60));
        let published = to_utc(self.zone(), day.and_time(chrono::NaiveTime::MIN) + Duration::minutes(minutes));
        let snippet = format!("{title}. Berita contoh dari dunia simulasi, {}.", day.format("%d/%m/%Y"));
        let link = format!("https://{host}/{}/{}-{}", day.format("%Y/%m/%d"), self.slug(), number + 1);
        Article { title, link, snippet, source, published, day, key }
    }
}

impl Article {
    /// The same article under another link.
    fn again(&self) -> Option<Article> {
        let share = self.key.of("again").stream().uniform();
        let link = match share {
            0.0..0.10 => format!("{}?utm_source=google&utm_medium=news", self.link),
            0.10..0.16 => self.link.replacen(".test/", ".test/amp/", 1),
            _ => return None,
        };
        let (title, snippet) = (self.title.clone(), self.snippet.clone());
        Some(Article { title, link, snippet, source: self.source, published: self.published, day: self.day, key: self.key })
    }

    /// Draws of what is shown of it, by purpose.
    pub(super) fn draw(&self, purpose: &str) -> Stream {
        self.key.of(purpose).stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_no_words() {
        assert_eq!(words("Harga \"Cabai Rawit\" site:warta.example.test after:2026-01-01 -iklan"), ["harga", "cabai", "rawit"]);
        assert_eq!(operator("cabai after:2026-01-01", "after"), Some("2026-01-01"));
        assert_eq!(operator("cabai", "after"), None);
    }
}
