//! People who sign in, as whoever has the machine sees them, on a real database.

use std::io::Write as _;
use std::process::{Command, Stdio};

use platform::testing::TestDb;
use tempfile::TempDir;

const SECRET: &str = "d41fb7c3e2a84960b5f0c9d7813e6a52";
const ANOTHER: &str = "7e0c52a9f6d84b13a8e5917c3bd20f64";

struct Machine {
    db: TestDb,
    folder: TempDir,
    settings: Vec<(&'static str, &'static str)>,
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Machine {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { db: TestDb::new().await, folder, settings: vec![("VIRALCAST_AUTH__SECRET", SECRET)] }
    }

    /// `typed` is what standard input has.
    fn run(&self, line: &str, typed: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_viralcast"))
            .args(line.split_whitespace())
            .envs(self.db.environment())
            .envs(self.settings.iter().copied())
            .env("VIRALCAST_DATA_DIR", self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("typed");
        let output = child.wait_with_output().expect("its end");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code().expect("not killed"), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn done(&self, line: &str) -> String {
        let ran = self.run(line, "");
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
        ran.stdout
    }

    fn refused(&self, line: &str, typed: &str) -> String {
        let ran = self.run(line, typed);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{line}: {}", ran.stderr);
        ran.stderr
    }

    /// Somewhere, the only person there is.
    async fn signed_in(&self) {
        let session = "insert into auth_sessions (id, user_id, family_id, refresh_hash, signed_in_at, expires_at, created_at)
                       select gen_random_uuid(), id, gen_random_uuid(), sha256('a token'), now(), now() + interval '7 days', now() from users";
        sqlx::query(session).execute(self.db.work()).await.expect("a session");
    }

    async fn asks<T>(&self, question: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(question).fetch_one(self.db.work()).await.expect("an answer")
    }
}

const SESSIONS: &str = "select count(*) from auth_sessions where revoked_at is null";
const HAS_PASSWORD: &str = "select password_hash is not null from users";
const LINKS: &str = "select count(*) from one_time_tokens where used_at is null and expires_at <= now() + interval '1 day'";

#[tokio::test]
async fn whoever_makes_an_account_does_not_know_its_password() {
    let machine = Machine::new().await;
    let ran = machine.run("user create sri@example.com --name Sri", "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("http://localhost:4000/verify-email#token="), "{}", ran.stdout);
    assert!(ran.stderr.contains("by it sri@example.com chooses a password; it works once"), "{}", ran.stderr);
    assert_eq!((machine.asks::<bool>(HAS_PASSWORD).await, machine.asks::<i64>(LINKS).await), (false, 1));
    assert!(machine.refused("user create Sri@Example.com", "").contains("has an account"));

    let weak = machine.refused("user password sri@example.com --password-stdin", "password123\n");
    assert!(weak.contains("easily guessed"), "{weak}");
    let chosen = machine.run("user password sri@example.com --password-stdin", "tiga gajah lewat jembatan\n");
    assert_eq!((chosen.code, chosen.stdout.as_str()), (0, ""), "{}", chosen.stderr);
    assert_eq!((machine.asks::<bool>(HAS_PASSWORD).await, machine.asks::<i64>(LINKS).await), (true, 0), "the link of before is no way in");
    machine.signed_in().await;

    let again: serde_json::Value = serde_json::from_str(&machine.done("--json user password sri@example.com")).expect("JSON");
    assert!(again["link"].as_str().is_some_and(|link| !ran.stdout.contains(link)), "{again}");
    let left = (machine.asks::<bool>(HAS_PASSWORD).await, machine.asks::<i64>(LINKS).await);
    assert_eq!(left, (false, 1), "the password is gone, and the link of before");
    assert_eq!(machine.asks::<i64>(SESSIONS).await, 0, "and whoever was in is out");
    let told = "select array_agg(action order by id) from audit_log where action like 'password%'";
    assert_eq!(machine.asks::<Vec<String>>(told).await, ["password_set", "password_taken_away"]);
}

#[tokio::test]
async fn somebody_is_kept_out_and_let_in_again() {
    let machine = Machine::new().await;
    machine.done("user create sri@example.com --operator");
    machine.signed_in().await;
    assert!(machine.refused("user disable nobody@example.com", "").contains("has no account"));
    assert!(machine.done("user disable sri@example.com").contains("may not come in any more; sessions that ended: 1"));
    assert_eq!(machine.asks::<i64>(SESSIONS).await, 0);
    assert!(machine.refused("user password sri@example.com", "").contains("is disabled"));
    assert!(machine.done("user disable sri@example.com").contains("was disabled before"));
    let listed: serde_json::Value = serde_json::from_str(&machine.done("--json user list")).expect("JSON");
    assert!(listed[0]["disabled_at"].is_string() && listed[0]["role"] == "operator", "{listed}");
    assert!(machine.done("user enable sri@example.com").contains("may come in again"));
    assert!(machine.done("user enable sri@example.com").contains("was not disabled"));
    assert!(machine.refused("user forget-second-factor sri@example.com", "").contains("has no second factor"));
}

#[tokio::test]
async fn the_installation_gets_another_secret() {
    let mut machine = Machine::new().await;
    machine.done("keys generate --at-once");
    machine.done("user create sri@example.com");
    machine.done("store create warung --owner sri@example.com");
    machine.settings = vec![("VIRALCAST_AUTH__SECRET", ANOTHER)];
    let sealing =
        ["keys reseal", "keys generate", "user create budi@example.com", "user password sri@example.com", "store push-secret warung"];
    for line in sealing {
        let refused = machine.refused(line, "");
        assert!(refused.contains("this machine's secret does not open the signing key"), "nobody could use what it seals: {refused}");
        assert!(refused.contains("set VIRALCAST_AUTH__SECRET to that of the servers"), "{refused}");
    }
    assert_eq!(machine.asks::<i64>("select count(*) from users").await, 1);
    machine.settings.push(("VIRALCAST_AUTH__FORMER_SECRET", SECRET));
    assert!(machine.done("keys reseal").contains("sealed anew: 1 signing keys"));
    machine.settings.pop();
    assert!(machine.done("keys reseal").contains("sealed anew: 1 signing keys"), "the former is needed no more");
    machine.settings = vec![("VIRALCAST_AUTH__SECRET", "rahasia warung bu sri di bandung 2026")];
    assert!(machine.refused("keys reseal", "").contains("could be guessed"));
}

#[tokio::test]
async fn where_people_are_served_nobody_demonstrates() {
    let mut machine = Machine::new().await;
    machine.settings.push(("VIRALCAST_HTTP__PUBLIC_URL", "https://app.example.id"));
    machine.settings.push(("VIRALCAST_HTTP__TRUSTED_PROXIES", "127.0.0.1"));
    let refused = machine.refused("demo --once", "");
    assert!(refused.contains("no demonstration where people are served (https://app.example.id)"), "{refused}");
    assert_eq!(machine.asks::<i64>("select count(*) from stores").await, 0);
}
