//! A second factor, from its beginning to a lost phone.

use axum::http::Method;
use chrono::TimeDelta;
use platform::auth::{OneTimeToken, Purpose};
use platform::clock::Clock as _;
use platform::config::SecondFactorFor;
use platform::database::begin;
use platform::db::sealed::reseal;
use platform::db::users::{set_password, verify_email};
use serde_json::{Value, json};
use totp_rs::TOTP;
use uuid::Uuid;

use crate::app::{ANOTHER_SECRET, App, NOBODY, Reply, SECRET, assert_shown};
use crate::eventually;

const PASSWORD: &str = "tiga gajah lewat jembatan";
const FACTOR: &str = "/api/v1/users/me/second-factor";

/// Somebody with a phone.
struct Person<'a> {
    app: &'a App,
    email: &'static str,
    access: String,
}

impl<'a> Person<'a> {
    async fn of(app: &'a App, user: Uuid, email: &'static str) -> Self {
        let hash = app.state.auth.passwords.hash(PASSWORD.into()).await.expect("a hash");
        set_password(app.db.work(), user, &hash, None).await.expect("set");
        verify_email(app.db.work(), user, app.clock.now()).await.expect("verified");
        let mut person = Self { app, email, access: String::new() };
        let reply = person.sign_in(None).await;
        person.access = format!("Bearer {}", reply.json()["access_token"].as_str().expect("a token"));
        person
    }

    async fn sign_in(&self, code: Option<&str>) -> Reply {
        let mut body = json!({"email": self.email, "password": PASSWORD});
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        self.app.call(Method::POST, "/api/v1/auth/login", &[NOBODY], Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.app.call(method, path, &[("authorization", &self.access)], body).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, &format!("{FACTOR}{path}"), Some(body)).await
    }

    async fn state(&self) -> Value {
        self.call(Method::GET, FACTOR, None).await.json()
    }

    /// As an app reads it off the picture.
    async fn begin(&self) -> TOTP {
        let begun = self.post("", json!({ "password": PASSWORD })).await;
        assert_eq!(begun.status, 201, "{}", begun.text());
        let app = TOTP::from_url(begun.json()["uri"].as_str().expect("a URI")).expect("an app understands it");
        assert_eq!(app.get_secret_base32(), begun.json()["key"].as_str().expect("a key"));
        assert_eq!((app.issuer.as_deref(), app.account_name.as_str()), (Some("Viral Cast"), self.email));
        assert_eq!(begun.header("cache-control"), "no-store");
        app
    }

    fn code(&self, of: &TOTP) -> String {
        of.generate(self.app.clock.now().timestamp().try_into().expect("after 1970"))
    }

    /// Turned on; the codes for paper.
    async fn confirm(&self, app: &TOTP) -> Vec<String> {
        let confirmed = self.post("/confirm", json!({ "code": self.code(app) })).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.text());
        serde_json::from_value(confirmed.json()["recovery_codes"].clone()).expect("codes")
    }
}

fn half_a_minute(app: &App) {
    app.clock.advance(TimeDelta::seconds(30));
}

#[tokio::test]
async fn nobody_signs_in_with_a_password_alone_any_more() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let elsewhere = sri.sign_in(None).await.json();
    let elsewhere = format!("Bearer {}", elsewhere["access_token"].as_str().expect("a token"));
    assert_eq!(sri.state().await, json!({"since": null, "recovery_codes_left": 0}));
    assert_eq!(sri.post("/confirm", json!({"code": "123456"})).await.status, 409, "none was begun");
    assert_eq!(sri.post("", json!({"password": "wrong"})).await.status, 401);
    let outdated = sri.begin().await;
    let phone = sri.begin().await;
    assert_eq!(sri.post("/confirm", json!({ "code": sri.code(&outdated) })).await.status, 401, "another key took its place");
    assert_eq!(sri.sign_in(None).await.status, 200, "it is not asked for before it was shown");

    let papers = sri.confirm(&phone).await;
    assert_eq!((papers.len(), sri.state().await["recovery_codes_left"].as_i64()), (10, Some(10)));
    assert_eq!(app.get_with("/api/v1/users/me", &[("authorization", &elsewhere)]).await.status, 401, "other sessions end");
    assert_eq!(sri.call(Method::GET, "/api/v1/users/me", None).await.status, 200, "this one goes on");
    assert_eq!(sri.post("", json!({ "password": PASSWORD })).await.status, 409);
    assert_eq!(sri.post("/confirm", json!({ "code": sri.code(&phone) })).await.status, 409);

    assert_shown("second_factor_required", &sri.sign_in(None).await);
    assert_shown("wrong_code", &sri.sign_in(Some(&sri.code(&phone))).await);
    half_a_minute(&app);
    let code = sri.code(&phone);
    assert_eq!(sri.sign_in(Some(&code)).await.status, 200);
    assert_eq!(sri.sign_in(Some(&code)).await.status, 401, "no code works twice");
    let failures = "select count(*) from audit_log where action = 'sign_in_failed' and subject = 'second factor'";
    assert_eq!(sqlx::query_scalar::<_, i64>(failures).fetch_one(app.db.work()).await.expect("the record"), 2);
    let asked = "select count(*) from audit_log where action = 'second_factor_asked_for'";
    assert_eq!(sqlx::query_scalar::<_, i64>(asked).fetch_one(app.db.work()).await.expect("the record"), 1, "somebody knows the password");
    let wrong = json!({"email": "sri@example.com", "password": "wrong", "code": "123456"});
    let wrong = app.call(Method::POST, "/api/v1/auth/login", &[NOBODY], Some(wrong)).await;
    assert_eq!(wrong.json()["type"], "/problems/wrong-credentials", "whoever lacks the password learns nothing of the code");
}

#[tokio::test]
async fn a_lost_phone_locks_nobody_out() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let phone = sri.begin().await;
    let papers = sri.confirm(&phone).await;
    assert_eq!(sri.sign_in(Some(&papers[0].to_uppercase())).await.status, 200);
    assert_eq!(sri.sign_in(Some(&papers[0])).await.status, 401, "good for one sign-in");
    assert_eq!(sri.state().await["recovery_codes_left"], 9);
    let remove = async |code: &str| sri.post("/removal", json!({"password": PASSWORD, "code": code})).await.status.as_u16();
    assert_eq!(sri.post("/removal", json!({"password": "wrong", "code": papers[1]})).await.status, 401);
    assert_eq!(remove("000000").await, 401);
    assert_eq!(sri.state().await["recovery_codes_left"], 9, "nothing was used up");
    assert_eq!(remove(&papers[1]).await, 204);
    assert_eq!(remove(&papers[2]).await, 409);
    assert_eq!(sri.sign_in(None).await.status, 200);

    // The next phone has another key, and other papers.
    let next = sri.begin().await;
    assert_ne!(next.get_secret_base32(), phone.get_secret_base32());
    sri.confirm(&next).await;
    assert_eq!(sri.sign_in(Some(&papers[3])).await.status, 401);
    half_a_minute(&app);
    assert_eq!(sri.sign_in(Some(&sri.code(&next))).await.status, 200);
}

#[tokio::test]
async fn two_sign_ins_at_once_do_not_share_a_code() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let phone = sri.begin().await;
    sri.confirm(&phone).await;
    half_a_minute(&app);
    let code = sri.code(&phone);
    let answers = futures::future::join_all((0..4).map(|_| sri.sign_in(Some(&code)))).await;
    assert_eq!(answers.iter().filter(|reply| reply.status == 200).count(), 1);
}

#[tokio::test]
async fn where_operators_need_one_they_are_none_without() {
    let app = App::new().await.where_a_second_factor_is_for(SecondFactorFor::Operators);
    let operator = Person::of(&app, app.world.operator, "ops@example.com").await;
    let runs = async || operator.call(Method::GET, "/api/v1/runs", None).await;
    assert_shown("second_factor_missing", &runs().await);
    assert_eq!(operator.call(Method::GET, "/api/v1/stores/warung-bu-sri/plan", None).await.status, 404, "no store of theirs");
    assert_eq!(operator.call(Method::GET, "/api/v1/users/me", None).await.status, 200);
    let phone = operator.begin().await;
    operator.confirm(&phone).await;
    assert_eq!(runs().await.status, 200);
    let owner = Person::of(&app, app.world.owner, "sri@example.com").await;
    assert_eq!(owner.call(Method::GET, "/api/v1/stores/warung-bu-sri/plan", None).await.status, 200, "others need none");
}

#[tokio::test]
async fn where_everyone_needs_one_nobody_gets_far_without() {
    let app = App::new().await.where_a_second_factor_is_for(SecondFactorFor::Everyone);
    let owner = Person::of(&app, app.world.owner, "sri@example.com").await;
    for path in ["/api/v1/users/me", "/api/v1/stores/warung-bu-sri/plan", "/api/v1/stores/warung-bu-sri/live", "/api/v1/auth/sessions"] {
        let refused = owner.call(Method::GET, path, None).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (403, &"/problems/second-factor-missing".into()), "{path}");
    }
    assert_eq!(owner.call(Method::GET, "/api/v1/users/me/second-factor", None).await.status, 200);
    let phone = owner.begin().await;
    assert_eq!(owner.call(Method::GET, "/api/v1/users/me", None).await.status, 403, "begun is not there yet");
    owner.confirm(&phone).await;
    for _ in 0..2 {
        assert_eq!(owner.call(Method::GET, "/api/v1/stores/warung-bu-sri/plan", None).await.status, 200);
    }
    let gone = "delete from second_factors";
    sqlx::query(gone).execute(app.db.work()).await.expect("an operator takes it away");
    let refused = async || (owner.call(Method::GET, "/api/v1/stores/warung-bu-sri/plan", None).await.status == 403).then_some(());
    eventually("it is heard of", refused).await;
    let cashier = Person::of(&app, app.world.cashier, "budi@example.com").await;
    assert_eq!(cashier.call(Method::POST, "/api/v1/auth/logout", None).await.status, 204, "whoever wants to may go");
}

#[tokio::test]
async fn a_new_password_is_no_way_around_it() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let phone = sri.begin().await;
    let papers = sri.confirm(&phone).await;
    let new = json!({"current_password": PASSWORD, "new_password": "empat kerbau naik kereta"});
    assert_eq!(sri.call(Method::POST, "/api/v1/auth/change-password", Some(new)).await.status, 204);
    let forgotten = json!({"email": "sri@example.com"});
    assert_eq!(app.call(Method::POST, "/api/v1/auth/forgot-password", &[NOBODY], Some(forgotten)).await.status, 202);
    let link = "select (args ->> 'token_id')::uuid from jobs where kind = 'mail_link'";
    let link: Uuid = sqlx::query_scalar(link).fetch_one(app.db.work()).await.expect("a link");
    let link = OneTimeToken::of(link, Purpose::ResetPassword, app.state.auth.keys.secret());
    let reset = json!({"token": link.expose(), "password": PASSWORD});
    assert_eq!(app.call(Method::POST, "/api/v1/auth/reset-password", &[NOBODY], Some(reset)).await.status, 204);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(sri.sign_in(None).await.json()["type"], "/problems/second-factor-required");
    let signed_in = sri.sign_in(Some(&papers[0])).await;
    assert_eq!(signed_in.status, 200);

    // Nor is the account erased without it; and with it nothing of it stays.
    let access = format!("Bearer {}", signed_in.json()["access_token"].as_str().expect("a token"));
    app.call(Method::DELETE, &format!("/api/v1/stores/warung-bu-sri/members/{}", app.world.cashier), &[("authorization", &access)], None)
        .await;
    app.call(Method::DELETE, &format!("/api/v1/stores/warung-bu-sri/members/{}", app.world.manager), &[("authorization", &access)], None)
        .await;
    let erase = async |body: Value| app.call(Method::POST, "/api/v1/users/me/erasure", &[("authorization", &access)], Some(body)).await;
    assert_eq!(erase(json!({ "password": PASSWORD })).await.json()["type"], "/problems/second-factor-required");
    assert_eq!(erase(json!({"password": PASSWORD, "code": papers[1]})).await.status, 204);
    let left = "select (select count(*) from second_factors) + (select count(*) from recovery_codes)";
    assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(app.db.work()).await.expect("rows"), 0);
}

#[tokio::test]
async fn codes_are_not_guessed_from_many_devices() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let phone = sri.begin().await;
    sri.confirm(&phone).await;
    let mut answers = Vec::new();
    for from in 0..12_u32 {
        let from = std::net::Ipv4Addr::from(0x0a00_0000 + from).into();
        let body = json!({"email": "sri@example.com", "password": PASSWORD, "code": "000000"});
        answers.push(app.post_from(from, "/api/v1/auth/login", &[], body).await.status.as_u16());
    }
    assert_eq!((&answers[..10], answers[11]), (&[401; 10][..], 429), "{answers:?}");
}

#[tokio::test]
async fn the_phone_and_the_paper_outlive_the_installations_secret() {
    let app = App::new().await;
    let sri = Person::of(&app, app.world.owner, "sri@example.com").await;
    let phone = sri.begin().await;
    let papers = sri.confirm(&phone).await;
    async fn signs_in(app: &App, code: Option<&str>, phone: &TOTP) -> u16 {
        half_a_minute(app);
        let sri = Person { app, email: "sri@example.com", access: String::new() };
        let code = code.map_or_else(|| sri.code(phone), str::to_owned);
        sri.sign_in(Some(&code)).await.status.as_u16()
    }
    let app = app.with_secret_after(ANOTHER_SECRET, SECRET);
    assert_eq!((signs_in(&app, None, &phone).await, signs_in(&app, Some(&papers[0]), &phone).await), (200, 200));
    let mut transaction = begin(app.db.work()).await.expect("a transaction");
    let resealed = reseal(&mut transaction, app.state.auth.keys.secret(), app.clock.now()).await.expect("sealed anew");
    transaction.commit().await.expect("kept");
    assert_eq!((resealed.signing_keys, resealed.second_factors, resealed.closed), (1, 1, Vec::<String>::new()));
    let app = app.with_secret(ANOTHER_SECRET);
    assert_eq!(signs_in(&app, None, &phone).await, 200, "the former is needed no more");
    assert_eq!(signs_in(&app, Some(&papers[1]), &phone).await, 401, "but for paper");
}
