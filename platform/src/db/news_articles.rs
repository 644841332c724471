//! Articles, each once, and the topics under which they were found.

use std::fmt::Display;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// How exactly one knows when an article came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Display for Precision {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

/// An article as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// Normalised: one article, one link.
    pub url: String,
    pub title: String,
    pub snippet: Option<String>,
    pub publisher: Option<String>,
    /// `None` where that is not told.
    pub published: Option<(DateTime<Utc>, Precision)>,
    /// When it was found.
    pub available_at: DateTime<Utc>,
}

/// An article of a topic on its day, in Indonesia's west.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    pub day: NaiveDate,
    pub title: String,
    pub snippet: Option<String>,
    /// When it was first found under the topic.
    pub available_at: DateTime<Utc>,
}

const TABLE: &str = "news_articles";

/// Stores what was found under a topic and returns how many mentions are new, or known earlier than before. What was told when an
/// article was first seen counts: later pages date it anew.
pub async fn insert_articles(
    connection: &mut PgConnection,
    source: &str,
    topic: &str,
    raw_record_id: Option<Uuid>,
    articles: &[Article],
) -> Result<u64, DbError> {
    let ids: Vec<Uuid> = articles.iter().map(|_| Uuid::now_v7()).collect();
    sqlx::query!(
        "insert into news_articles as known (id, source, url, title, snippet, publisher, published_at, published_precision,
                                             available_at, raw_record_id)
         select new.id, $1, new.url, new.title, new.snippet, new.publisher, new.published_at, new.precision, new.available_at, $2
         from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::timestamptz[])
             as new (id, url, title, snippet, publisher, published_at, precision, available_at)
         order by new.url
         on conflict on constraint article_is_taken do update
         set title = excluded.title, snippet = excluded.snippet, publisher = excluded.publisher, published_at = excluded.published_at,
             published_precision = excluded.published_precision, available_at = excluded.available_at,
             raw_record_id = excluded.raw_record_id
         where excluded.available_at < known.available_at",
        source,
        raw_record_id,
        &ids,
        &articles.iter().map(|article| article.url.clone()).collect::<Vec<_>>(),
        &articles.iter().map(|article| article.title.clone()).collect::<Vec<_>>(),
        &articles.iter().map(|article| article.snippet.clone()).collect::<Vec<_>>() as &[Option<String>],
        &articles.iter().map(|article| article.publisher.clone()).collect::<Vec<_>>() as &[Option<String>],
        &articles.iter().map(|article| article.published.map(|(at, _)| at)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &articles.iter().map(|article| article.published.map(|(_, precision)| precision.to_string())).collect::<Vec<_>>()
            as &[Option<String>],
        &articles.iter().map(|article| article.available_at).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "store articles")?;
    let done = sqlx::query!(
        "insert into news_mentions as known (source, topic, article_id, available_at)
         select $1, $2, a.id, new.available_at
         from unnest($3::text[], $4::timestamptz[]) as new (url, available_at)
         join news_articles a on a.source = $1 and a.url = new.url
         order by a.id
         on conflict on constraint article_is_mentioned_once do update set available_at = excluded.available_at
         where excluded.available_at < known.available_at",
        source,
        topic,
        &articles.iter().map(|article| article.url.clone()).collect::<Vec<_>>(),
        &articles.iter().map(|article| article.available_at).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await
    .in_table("news_mentions", "store mentions")?;
    Ok(done.rows_affected())
}

/// Mentions of a topic on the days [`first`, `last`]. An article that is not dated to the day is of no day.
pub async fn list_mentions(
    executor: impl PgExecutor<'_>,
    source: &str,
    topic: &str,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<Mention>, DbError> {
    sqlx::query_as!(
        Mention,
        r#"select (a.published_at at time zone 'Asia/Jakarta')::date as "day!", a.title, a.snippet, m.available_at
           from news_mentions m
           join news_articles a on a.id = m.article_id
           where m.source = $1 and m.topic = $2 and a.published_precision in ('minute', 'hour', 'day')
             and (a.published_at at time zone 'Asia/Jakarta')::date between $3 and $4
           order by 1, m.available_at, a.title"#,
        source,
        topic,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table("news_mentions", "list the mentions of a topic")
}

/// Names of products and categories of active stores in lower case, those first that most stores have.
pub async fn list_topics(executor: impl PgExecutor<'_>, limit: i64) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        r#"select topic as "topic!"
           from (
               select lower(btrim(c.name)) as topic, c.store_id, 0 as rank from categories c
               union
               select lower(btrim(p.name)), p.store_id, 1 from products p where p.is_active
           ) named
           join stores s on s.id = named.store_id and s.is_active
           group by topic
           order by count(distinct s.id) desc, min(rank), topic
           limit $1"#,
        limit,
    )
    .fetch_all(executor)
    .await
    .in_table("products", "list topics")
}
