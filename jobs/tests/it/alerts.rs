//! Who is told that something is wrong, and how often.

use async_trait::async_trait;
use chrono::TimeDelta;
use jobs::alerts::tell;
use platform::db::users::{NewUser, create_user, verify_email};
use platform::mail::{Mail, MailError, Mailer};
use platform::queue::Alert;

use crate::shop::{Shop, at};

/// A server that is not there.
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError::Invalid { field: "server", reason: "there is none".to_owned() })
    }
}

#[tokio::test]
async fn each_operator_gets_one_mail_of_however_many_programs_notice_and_another_while_it_lasts() {
    let shop = Shop::empty().await;
    let now = at("2026-06-15T20:40:00Z");
    for (email, is_operator, is_verified) in
        [("ayu@ops.test", true, true), ("budi@ops.test", true, true), ("citra@ops.test", true, false), ("dewi@warung.test", false, true)]
    {
        let user = NewUser { email: email.to_owned(), name: None, password_hash: None, is_operator };
        let id = create_user(shop.db.work(), &user).await.expect("a user");
        if is_verified {
            verify_email(shop.db.work(), id, now).await.expect("verified");
        }
    }
    let alert = |name, detail: &str| Alert { name, detail: detail.to_owned(), hint: "viralcast dead list".to_owned() };
    let (pool, mailer) = (shop.db.work(), shop.nightly().outside.mail);

    let of_night = alert("dead_letters", "3 jobs of nights have failed for good & wait");
    tell(pool, &Nowhere, std::slice::from_ref(&of_night), now).await;
    let alerts = [of_night, alert("dead_letters", "2 mails have failed for good"), alert("late_ticks", "a tick was late")];
    tokio::join!(tell(pool, &*mailer, &alerts, now), tell(pool, &*mailer, &alerts, now), tell(pool, &*mailer, &alerts, now));
    let mails = shop.mails();
    assert_eq!(mails.len(), 4, "two operators, two kinds of alert; what went nowhere was told by the next");
    for to in ["To: ayu@ops.test", "To: budi@ops.test"] {
        assert_eq!(mails.iter().filter(|mail| mail.contains(to)).count(), 2, "{to}");
    }
    let of_both =
        mails.iter().filter(|mail| mail.contains("nights have failed for good &amp; wait") && mail.contains("2 mails have failed"));
    assert_eq!(of_both.count(), 2, "{}", mails[0]);
    assert!(mails.iter().all(|mail| mail.contains("viralcast dead list")), "{}", mails[0]);

    tell(pool, &*mailer, &alerts, now + TimeDelta::hours(5)).await;
    assert_eq!(shop.mails().len(), 4);
    tell(pool, &*mailer, &alerts[..1], now + TimeDelta::hours(6)).await;
    assert_eq!(shop.mails().len(), 6);
    shop.close().await;
}
