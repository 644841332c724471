//! Mail news of a store to its members, each once.

use domain::job::{MailNews, Outcome};
use platform::db::notifications::{UnmailedNews, mark_mailed, unmailed_news};
use platform::mail::Mail;
use platform::queue::{JobContext, Worker};

use crate::events;
use crate::nightly::Nightly;

/// The worker of [`MailNews`].
pub fn worker(nightly: Nightly) -> impl Worker<MailNews> {
    NewsWorker(nightly)
}

struct NewsWorker(Nightly);

impl Worker<MailNews> for NewsWorker {
    async fn work(&self, args: MailNews, _: JobContext) -> Outcome {
        match self.send(&args).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl NewsWorker {
    /// Each is marked as it goes out: a crash in between mails at most one person twice.
    async fn send(&self, args: &MailNews) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Nightly { work, clock, outside, .. } = &self.0;
        for news in unmailed_news(work, args.store_id.0, &args.unique_key).await? {
            match outside.mail.send(&letter(&news)).await {
                Ok(()) => {}
                // No mail will ever reach this address; the news is in the app all the same.
                Err(error) if !error.is_worth_another_try() => events::not_mailed(&error),
                Err(error) => return Err(error.into()),
            }
            mark_mailed(work, news.id, clock.now()).await?;
        }
        Ok(())
    }
}

fn letter(news: &UnmailedNews) -> Mail {
    let html = news.body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
    let key = Some(format!("news:{}", news.id));
    Mail { to: news.email.clone(), subject: news.title.clone(), text: news.body.clone(), html: format!("<p>{html}</p>"), key }
}
