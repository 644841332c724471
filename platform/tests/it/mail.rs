use std::path::Path;

use domain::Hint;
use platform::mail::{FolderMailer, Mail, MailError, Mailer, testing};

const SENDER: &str = "Viral Cast <noreply@example.id>";

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let mailer = FolderMailer::new(folder.path(), SENDER).expect("a mailer");
    testing::conformance(&mailer, async || mails(folder.path())).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_worth_another_try() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mailer = FolderMailer::new(file.path(), SENDER).expect("a mailer");
    let error = mailer.send(&mail()).await.expect_err("a file is no folder");
    assert!(matches!(error, MailError::Transport { .. }), "{error:?}");
    assert!(error.hint().is_some());
}

#[test]
fn a_sender_that_is_no_address_is_refused() {
    for sender in ["", "nobody", "a@example.id\nBcc: b@example.id"] {
        let refused = FolderMailer::new(Path::new("mail"), sender);
        assert!(matches!(refused, Err(MailError::Invalid { field: "sender", .. })), "{refused:?}");
    }
}

/// A mail to somebody.
pub fn mail() -> Mail {
    let words = "Halo".to_owned();
    Mail { to: "Ibu Sari <ibu.sari@example.id>".to_owned(), subject: words.clone(), text: words.clone(), html: words, key: None }
}

fn mails(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mails = entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    mails.map(|path| std::fs::read_to_string(path).expect("text")).collect()
}
