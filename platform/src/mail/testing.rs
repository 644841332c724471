//! What every mailer must do; an implementation calls [`conformance`] from its tests.

use super::{Mail, MailError, Mailer};

/// Runs all checks. `sent` answers every mail taken over so far as raw text, in any order.
///
/// # Panics
/// With the rule that is broken.
pub async fn conformance(mailer: &dyn Mailer, sent: impl AsyncFn() -> Vec<String>) {
    delivers_both_forms(mailer, &sent).await;
    sends_twice_what_is_sent_twice(mailer, &sent).await;
    gives_one_id_to_one_key(mailer, &sent).await;
    refuses_what_could_add_headers(mailer, &sent).await;
}

async fn delivers_both_forms(mailer: &dyn Mailer, sent: &impl AsyncFn() -> Vec<String>) {
    let before = sent().await.len();
    mailer.send(&mail()).await.expect("send");
    let mails = sent().await;
    assert_eq!(mails.len(), before + 1, "one mail is one mail");
    let raw = mails.iter().find(|raw| raw.contains("Subject: Rencana besok")).expect("the subject is there");
    for part in ["ibu.sari@example.id", "text/plain", "Masak 85 ayam geprek.", "text/html", "<b>85</b>", "From: ", "Date: "] {
        assert!(raw.contains(part), "`{part}` is in the mail:\n{raw}");
    }
}

async fn sends_twice_what_is_sent_twice(mailer: &dyn Mailer, sent: &impl AsyncFn() -> Vec<String>) {
    let before = sent().await.len();
    mailer.send(&mail()).await.expect("send");
    mailer.send(&mail()).await.expect("send");
    assert_eq!(sent().await.len(), before + 2, "no mail replaces another");
}

async fn gives_one_id_to_one_key(mailer: &dyn Mailer, sent: &impl AsyncFn() -> Vec<String>) {
    let before = ids(&sent().await);
    for key in [Some("plan of 1\r\nBcc: b@example.id"), Some("plan of 1\r\nBcc: b@example.id"), Some("plan of 2"), None, None] {
        mailer.send(&Mail { key: key.map(str::to_owned), ..mail() }).await.expect("send");
    }
    let mut new = ids(&sent().await);
    for known in before {
        new.retain(|id| *id != known);
    }
    assert!(new.iter().all(|id| id.starts_with('<') && id.ends_with("@example.id>")), "an id is of the sender's domain: {new:?}");
    new.sort();
    new.dedup();
    assert_eq!(new.len(), 4, "mails of one key have one id, all others one each: {new:?}");
}

fn ids(mails: &[String]) -> Vec<String> {
    mails.iter().filter_map(|raw| raw.lines().find_map(|line| line.strip_prefix("Message-ID: "))).map(str::to_owned).collect()
}

async fn refuses_what_could_add_headers(mailer: &dyn Mailer, sent: &impl AsyncFn() -> Vec<String>) {
    let before = sent().await.len();
    let attacks = [
        Mail { subject: "Halo\r\nBcc: all@example.id".to_owned(), ..mail() },
        Mail { subject: "Halo\nX-Header: 1".to_owned(), ..mail() },
        Mail { to: "a@example.id\r\nBcc: b@example.id".to_owned(), ..mail() },
        Mail { to: "\"Sari\nBcc: b@example.id\" <a@example.id>".to_owned(), ..mail() },
        Mail { to: "no address".to_owned(), ..mail() },
        Mail { to: String::new(), ..mail() },
    ];
    for attack in attacks {
        let refused = mailer.send(&attack).await.expect_err("a mail that could add headers is refused");
        assert!(matches!(refused, MailError::Invalid { .. }), "as invalid, so that nobody tries again: {refused:?}");
    }
    assert_eq!(sent().await.len(), before, "and nothing is sent");
    let odd = Mail { subject: "Pedas: =?utf-8?q?x?= \u{1f336}".to_owned(), text: "\r\n.\r\nQUIT\r\n".to_owned(), ..mail() };
    mailer.send(&odd).await.expect("odd text in a line is fine");
    assert_eq!(sent().await.len(), before + 1, "and sent");
}

fn mail() -> Mail {
    Mail {
        to: "Ibu Sari <ibu.sari@example.id>".to_owned(),
        subject: "Rencana besok".to_owned(),
        text: "Masak 85 ayam geprek.".to_owned(),
        html: "<p>Masak <b>85</b> ayam geprek.</p>".to_owned(),
        key: None,
    }
}
