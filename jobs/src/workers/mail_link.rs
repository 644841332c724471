//! Mail a link that works once: to choose a password, to prove an address.

use domain::job::{Letter, MailLink, Outcome};
use platform::auth::Purpose;
use platform::db::one_time_tokens::{TokenLetter, token_letter};
use platform::mail::Mail;
use platform::queue::{JobContext, Worker};

use crate::events;
use crate::nightly::Nightly;

/// The worker of [`MailLink`].
pub fn worker(nightly: Nightly) -> impl Worker<MailLink> {
    LinkWorker(nightly)
}

struct LinkWorker(Nightly);

impl Worker<MailLink> for LinkWorker {
    async fn work(&self, args: MailLink, _: JobContext) -> Outcome {
        match self.send(&args).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl LinkWorker {
    /// A link that was used or has expired in the meantime is not mailed: nobody could use it.
    async fn send(&self, args: &MailLink) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Nightly { work, clock, outside, .. } = &self.0;
        let Some(to) = token_letter(work, args.token_id, clock.now()).await? else { return Ok(()) };
        let purpose = match args.letter {
            Letter::VerifyEmail => Purpose::VerifyEmail,
            Letter::ResetPassword | Letter::AlreadyRegistered => Purpose::ResetPassword,
            Letter::JoinStore => Purpose::JoinStore,
        };
        let link = outside.links.to_choose_password(args.token_id, purpose);
        let mail = Mail { key: Some(format!("link:{}", args.token_id)), ..letter(args.letter, &to, &link) };
        match outside.mail.send(&mail).await {
            Err(error) if !error.is_worth_another_try() => events::not_mailed(&error),
            sent => sent?,
        }
        Ok(())
    }
}

fn letter(letter: Letter, to: &TokenLetter, link: &str) -> Mail {
    let is_english = to.locale == "en";
    let (subject, text) = match (letter, is_english) {
        (Letter::VerifyEmail, false) => {
            ("Pilih kata sandi Anda", "Anda mendaftar di Viral Cast AI. Buka tautan ini untuk memilih kata sandi:")
        }
        (Letter::VerifyEmail, true) => ("Choose your password", "You registered with Viral Cast AI. Open this link to choose a password:"),
        (Letter::AlreadyRegistered, false) => (
            "Anda sudah punya akun",
            "Seseorang mendaftar dengan alamat ini, tetapi Anda sudah punya akun. Lupa kata sandi? Buka tautan ini:",
        ),
        (Letter::AlreadyRegistered, true) => (
            "You have an account already",
            "Someone registered with this address, but you have an account already. Forgotten the password? Open this link:",
        ),
        (Letter::ResetPassword, false) => ("Kata sandi baru", "Buka tautan ini untuk memilih kata sandi baru:"),
        (Letter::ResetPassword, true) => ("A new password", "Open this link to choose a new password:"),
        (Letter::JoinStore, false) => {
            ("Anda ditambahkan ke sebuah toko", "Anda kini anggota sebuah toko. Buka tautan ini untuk memilih kata sandi:")
        }
        (Letter::JoinStore, true) => ("You were added to a store", "You are a member of a store now. Open this link to choose a password:"),
    };
    let until = to.expires_at.format("%Y-%m-%d %H:%M UTC");
    let closing = if is_english {
        format!("It works once, until {until}. If you did not ask for this, do nothing.")
    } else {
        format!("Tautan berlaku sekali, sampai {until}. Bila Anda tidak memintanya, abaikan surel ini.")
    };
    // Nothing that anyone typed is in here: a name is not, since whoever registers an address chooses it.
    let html = format!(r#"<p>{text}</p><p><a href="{link}">{link}</a></p><p>{closing}</p>"#);
    Mail { to: to.email.clone(), subject: subject.to_owned(), text: format!("{text}\n\n{link}\n\n{closing}\n"), html, key: None }
}
