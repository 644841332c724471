//! News of a day about what stores sell, by Serper's search: a topic is the name of a product or of a category.
//!
//! Searching costs credits, so a topic is asked for once a day and in at most three pages. What the search says of the past depends
//! on when it is asked; there is no backfill, only what landed. Dates are display texts, relative to the page; an article is told
//! when it was first seen.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::news_articles::{Article, list_topics};
use platform::http::{Manners, Question, Quota, Reply};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::PgPool;

use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list, list_in, shape};
use crate::news::dates::published;
use crate::news::link::normalised;
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};

const SOURCE: &str = "serper_news";
/// Articles on a page: more may cost more.
const PAGE: usize = 10;
/// Pages of a topic and day.
const PAGES: usize = 3;
/// Letters of a title and of a snippet that are kept.
const TEXT: usize = 500;
/// Out of credits: somebody has to buy some.
const RESTOCK: Duration = Duration::from_secs(6 * 3600);

struct SerperNews;

pub(super) fn source() -> impl Source {
    SerperNews
}

impl Source for SerperNews {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "News about what stores sell, by Serper's search (needs a key)"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 1,
            lookback_days: 0,
            freshness: TimeDelta::hours(36),
            history: History::Landed,
            is_steady: false,
            attribution: "Berita: Google News melalui Serper",
            scope_is: "topic",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let understanding = Understanding { level: "articles", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, parse(raw)?)))
    }
}

#[async_trait]
impl Feed for SerperNews {
    fn manners(&self, config: &SourcesConfig) -> Manners {
        let day = Duration::from_secs(86_400);
        let quota = Quota { name: "serper.credits".to_owned(), limit: config.serper_credits_a_day, per: day };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(20) }
    }

    fn missing(&self, config: &SourcesConfig) -> Option<&'static str> {
        config.serper_key.is_none().then_some("SERPER_API_KEY, or `sources.serper_key`: a key of serper.dev")
    }

    /// As many topics as a day's credits last for two pages each, those first that most stores sell.
    async fn scopes(&self, pool: &PgPool, config: &SourcesConfig) -> Result<Vec<String>, DbError> {
        list_topics(pool, i64::from(config.serper_credits_a_day / 2)).await
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, _: Days) -> Result<Vec<Reply>, FetchError> {
        let key = asking.config.serper_key.as_ref().map(|key| key.expose_secret()).unwrap_or_default();
        let mut replies = Vec::new();
        for page in 1..=PAGES {
            let body = json!({ "q": format!("\"{scope}\""), "gl": "id", "hl": "id", "num": PAGE, "page": page, "tbs": "qdr:d" });
            let question =
                Question::post(format!("{}/news", asking.config.serper_url.trim_end_matches('/')), body).header("x-api-key", key);
            let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &question).await?;
            match reply.status {
                200..=299 => {}
                // Not the question is bad, the account is empty.
                400 | 402 if reply.excerpt().to_lowercase().contains("credits") => {
                    return Err(FetchError::Exhausted { source_name: SOURCE, reason: reply.excerpt(), wait: RESTOCK });
                }
                401 | 403 => {
                    return Err(FetchError::NotSetUp { source_name: SOURCE, missing: "SERPER_API_KEY to a key that is valid" });
                }
                status => return Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
            }
            let is_full = list_in(&reply.bytes, "news").len() >= PAGE;
            replies.push(reply);
            if !is_full {
                break;
            }
        }
        Ok(replies)
    }
}

fn parse(raw: &RawRecord) -> Result<Batch, SourceError> {
    let file = raw.contents.name();
    let document = document(raw)?;
    if !document["searchParameters"]["q"].as_str().is_some_and(|query| query.contains(&raw.scope)) {
        return Err(shape(file, "it does not answer what was searched for"));
    }
    // All of an article but title and link may be missing, so this is what tells a reply from one that has changed.
    if !document["credits"].is_number() {
        return Err(shape(file, "it does not say what it cost"));
    }
    // Nothing found: the list is empty or missing.
    if document["news"].is_null() {
        return Ok(Batch::of(0, Facts::Articles(Vec::new()), Vec::new()));
    }
    let (mut facts, mut rejected, mut rows): (Vec<Article>, _, _) = (Vec::new(), Vec::new(), 0);
    let (mut links, mut titles) = (HashSet::new(), HashSet::new());
    for value in list(&document, "news", file)? {
        rows += 1;
        match article(&Row { value, number: rows }, raw) {
            // One article under several links, or once more on another page of its paper.
            Ok(article) => {
                let is_new_link = links.insert(article.url.clone());
                let is_new_title = titles.insert((article.title.to_lowercase(), article.publisher.clone()));
                if is_new_link && is_new_title {
                    facts.push(article);
                }
            }
            Err(refused) => rejected.push(refused),
        }
    }
    Ok(Batch::of(rows, Facts::Articles(facts), rejected))
}

fn article(row: &Row<'_>, raw: &RawRecord) -> Result<Article, Rejected> {
    let short = |text: &str| text.chars().filter(|letter| *letter != '\0').take(TEXT).collect::<String>().trim().to_owned();
    let optional = |field: &str| row.value[field].as_str().map(short).filter(|text| !text.is_empty());
    let title = short(row.text("title")?);
    if title.is_empty() {
        return Err(row.refuse("title", "is empty"));
    }
    let published = optional("date").and_then(|text| published(&text, raw.fetched_at));
    Ok(Article {
        url: normalised(row.text("link")?).ok_or_else(|| row.refuse("link", "is no link to a page"))?,
        title,
        snippet: optional("snippet"),
        publisher: optional("source"),
        published,
        available_at: raw.fetched_at,
    })
}
