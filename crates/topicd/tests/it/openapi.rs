//! docs/topicd.openapi.json, and below its companion for the operator, against the server: every method of every path, and the answers of each
//! operation, good and bad, against its schemas. That the paths are those of the router is a test beside
//! the router.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    client::{self, Answer, raw},
    server::Running,
    stream::Stream,
};

mod operator;

const FILE: &str = "topicd.openapi.json";

/// A call that succeeds. `{name}` stands for what a [`Visitor`] knows.
#[derive(Clone, Copy)]
struct Call {
    method: &'static str,
    target: &'static str,
    session: &'static str,
    body: &'static str,
    status: u16,
}

const fn call(
    method: &'static str,
    target: &'static str,
    session: &'static str,
    body: &'static str,
    status: u16,
) -> Call {
    Call {
        method,
        target,
        session,
        body,
        status,
    }
}

const USER: &str = "{session}";
const BEN: &str = r#"{"email":"ben@example.com","password":"secret","app":"a"}"#;
const VALUES: &str = r#"{"values":[{"key":"level","value":"30.5","geo":{"lat":"41.4","long":2.2}},{"key":"level","value":[1],"datetime":"20260102030405"}]}"#;
const OWN: &str = r#"{"values":[{"value":{"on":1}}]}"#;
const LINK: &str = r#"{"thingToken":"{thingToken}"}"#;
const WINDOW: &str = "limit=5&startDate=20200101000000&endDate=NOW()";

/// One call of each operation at least, in an order in which each succeeds.
fn calls() -> Vec<Call> {
    vec![
        call("POST", "/v2/register", "", BEN, 201),
        call("POST", "/v2/login", "", BEN, 200),
        call("GET", "/v2", USER, "", 200),
        call(
            "POST",
            "/v2/things",
            "",
            r#"{"activationCode":"{activationCode}","productId":"p"}"#,
            201,
        ),
        call("POST", "/v2/things/{thingToken}", "", VALUES, 201),
        call("GET", "/v2/things/{thingToken}/resources", "", "", 200),
        call(
            "GET",
            "/v2/things/{thingToken}/resources/{key}?limit=5",
            "",
            "",
            200,
        ),
        call(
            "GET",
            "/v2/things/{thingToken}/all_resources?limit=5",
            "",
            "",
            200,
        ),
        call("GET", "/v2/utils/date?thingToken={thingToken}", "", "", 200),
        call(
            "GET",
            "/v2/utils/date?thingToken={thingToken}&format=unix_timestamp",
            "",
            "",
            200,
        ),
        call("DELETE", "/v2/me/things/{thingId}", USER, "", 200),
        call("POST", "/v2/me/things", USER, LINK, 200),
        call("GET", "/v2/me/things", USER, "", 200),
        call("POST", "/v2/me/resources/{key}/{thingId}", USER, OWN, 201),
        call("GET", "/v2/me/resources", USER, "", 200),
        call("GET", "/v2/me/resources/{key}?{window}", USER, "", 200),
        call(
            "GET",
            "/v2/me/resources/{key}/{thingId}?{window}",
            USER,
            "",
            200,
        ),
        call("PUT", "/v2/me/settings", USER, r#"{"theme":"dark"}"#, 200),
        call("GET", "/v2/me/settings", USER, "", 200),
        call(
            "POST",
            "/v2/me/tokens",
            USER,
            r#"{"topics":["/me/resources/level"],"expiresIn":60}"#,
            201,
        ),
        call("POST", "/v2/logout", "{otherSession}", "", 200),
    ]
}

/// The one whose answer does not end.
const STREAM: Call = call("GET", "/v2/things/{thingToken}?keepAlive=1000", "", "", 200);

/// The file, and which of its answers have been seen.
struct Contract {
    document: Value,
    seen: BTreeSet<(String, u16)>,
}

impl Contract {
    fn read(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let path = path.join(file);
        let document = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Self {
            document,
            seen: BTreeSet::new(),
        }
    }

    fn operation(&self, call: &Call) -> &Value {
        let path = call.target.split('?').next().unwrap();
        let operation = &self.document["paths"][path][call.method.to_lowercase()];
        assert!(
            operation.is_object(),
            "{} {path} is not described",
            call.method
        );
        operation
    }

    fn has(&self, call: &Call, status: u16) -> bool {
        self.operation(call)["responses"][status.to_string()].is_object()
    }

    /// What a reference points to; anything else is itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(pointer) => self.document.pointer(&pointer[1..]).unwrap(),
            None => value,
        }
    }

    #[track_caller]
    fn validate(&self, schema: &Value, text: &str) {
        let instance: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text:?}"));
        // References begin at the root.
        let schema = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&instance)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    }

    /// The answer has a status that is described for the call, and its shape.
    #[track_caller]
    fn check(&mut self, call: &Call, answer: &Answer, status: u16) {
        let name = format!("{} {}", call.method, call.target);
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        let operation = self.operation(call);
        let response = self.resolve(&operation["responses"][status.to_string()]);
        let content = &response["content"]["application/json"]["schema"];
        assert!(content.is_object(), "{name} has no answer {status}");
        assert!(
            answer.head.contains("\r\ncontent-type: application/json"),
            "{name}: {answer:?}"
        );
        if response["headers"]["Retry-After"]["required"] == true {
            assert!(
                answer.head.contains("\r\nretry-after: "),
                "{name}: {answer:?}"
            );
        }
        self.validate(content, &answer.body);
        if status >= 400 {
            let code: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(code["code"], status, "{name}");
        }
        let id = operation["operationId"].as_str().unwrap().to_owned();
        self.seen.insert((id, status));
    }

    fn check_request(&self, call: &Call, body: &str) {
        let request = &self.operation(call)["requestBody"];
        assert_eq!(
            request.is_object(),
            !body.is_empty(),
            "{} {}",
            call.method,
            call.target
        );
        if !body.is_empty() {
            self.validate(&request["content"]["application/json"]["schema"], body);
        }
    }

    /// Every answer that is described has been seen, but for those of a server in trouble.
    fn is_whole(&self) {
        let unseen = self.unseen();
        let server_side = |(_, status): &&(String, u16)| !matches!(status, 500 | 503 | 507);
        assert_eq!(
            unseen.iter().filter(server_side).collect::<Vec<_>>(),
            Vec::<&(String, u16)>::new()
        );
    }

    /// Answers that are described and have not been seen.
    fn unseen(&self) -> Vec<(String, u16)> {
        let paths = self.document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
        let described = operations.flat_map(|operation| {
            let id = operation["operationId"].as_str().unwrap();
            let statuses = operation["responses"].as_object().unwrap().keys();
            statuses.map(move |status| (id.to_owned(), status.parse().unwrap()))
        });
        described
            .filter(|answer| !self.seen.contains(answer))
            .collect()
    }
}

/// Somebody who fills in what they know.
struct Visitor<'a> {
    server: &'a Running,
    address: SocketAddr,
    knows: BTreeMap<&'static str, String>,
}

impl<'a> Visitor<'a> {
    async fn guest(server: &'a Running) -> Self {
        let guest = server.guest().await;
        let knows = BTreeMap::from([
            ("session", guest.session),
            ("otherSession", server.user("otto@example.com").await),
            ("thingToken", guest.thing),
            ("thingId", guest.thing_id),
            ("key", "level".to_owned()),
            ("window", WINDOW.to_owned()),
            ("activationCode", server.code().await),
        ]);
        Self {
            server,
            address: server.address,
            knows,
        }
    }

    /// The same with other things and resources, which are not there.
    fn astray(&self) -> Self {
        let mut knows = self.knows.clone();
        for name in ["thingToken", "thingId", "key"] {
            knows.insert(name, "x".repeat(43));
        }
        Self { knows, ..*self }
    }

    /// The same with another session.
    fn with_session(&self, session: &str) -> Self {
        let mut knows = self.knows.clone();
        knows.insert("session", session.to_owned());
        knows.insert("otherSession", session.to_owned());
        Self { knows, ..*self }
    }

    fn fill(&self, text: &str) -> String {
        self.knows
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
    }

    async fn send(&self, call: &Call) -> Answer {
        self.send_with(call, "", &self.fill(call.body)).await
    }

    /// With further lines in the head, and this body.
    async fn send_with(&self, call: &Call, lines: &str, body: &str) -> Answer {
        let (method, target) = (call.method, self.fill(call.target));
        let (session, length) = (self.fill(call.session), body.len());
        let authorization = match session.as_str() {
            "" => String::new(),
            session => format!("Authorization: {session}\r\n"),
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{authorization}{lines}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        raw(self.address, &request).await
    }
}

#[tokio::test]
async fn every_answer_is_as_the_openapi_file_says() {
    let server = Running::start().await;
    let mut contract = Contract::read(FILE);
    let guest = Visitor::guest(&server).await;
    for call in &calls() {
        contract.check_request(call, &guest.fill(call.body));
        contract.check(call, &guest.send(call).await, call.status);
    }
    streams(&mut contract, &guest).await;
    for call in calls().iter().chain([&STREAM]) {
        general_refusals(&mut contract, &guest, call).await;
    }
    particular_refusals(&mut contract, &guest).await;
    contract.is_whole();
    server.stop().await;
}

/// The documents of the two streams: the greeting, an update, silence, and why one ends.
async fn streams(contract: &mut Contract, guest: &Visitor<'_>) {
    let by_user = call(
        "GET",
        "/v2/me/resources/{key}?keepAlive=1000",
        USER,
        "",
        200,
    );
    for call in [by_user, STREAM] {
        let mut stream = Stream::open(
            guest.server,
            &guest.fill(call.target),
            &guest.fill(call.session),
        )
        .await;
        let mut documents = vec![stream.chunk().await.unwrap()];
        let thing = &guest.knows["thingToken"];
        guest.server.write(thing, "level", "7").await;
        documents.push(stream.chunk().await.unwrap());
        documents.push(stream.chunk().await.unwrap());
        assert_eq!(documents[2], "{}");
        if call.session.is_empty() {
            let revoke = format!("/admin/things/{}/token", guest.knows["thingId"]);
            let other = guest.server.admin("POST", &revoke, "").await;
            assert_eq!(other.status, 200, "{other:?}");
            documents.push(stream.chunk().await.unwrap());
            assert!(documents[3].contains("error"));
        }
        for document in documents {
            let answer = Answer {
                status: 200,
                head: "\r\ncontent-type: application/json".into(),
                body: document,
            };
            contract.check(&call, &answer, 200);
        }
    }
}

/// What is refused whatever the operation does: each status is provoked where it is described, and a
/// status that is not described fails there.
async fn general_refusals(contract: &mut Contract, guest: &Visitor<'_>, call: &Call) {
    let body = guest.fill(call.body);
    let two_hosts = guest.send_with(call, "Host: other\r\n", &body).await;
    contract.check(call, &two_hosts, 400);
    let separator = if call.target.contains('?') { '&' } else { '?' };
    let long = format!("{}{separator}x={}", call.target, "x".repeat(9000));
    let long = Call {
        target: long.leak(),
        ..*call
    };
    contract.check(call, &guest.send(&long).await, 414);
    if !call.session.is_empty() {
        let nobody = guest.with_session("nobody");
        contract.check(call, &nobody.send(call).await, 401);
        let narrow = r#"{"topics":["/me/resources/level"],"expiresIn":60}"#;
        let session = &guest.knows["session"];
        let narrow = guest
            .server
            .call("POST", "/v2/me/tokens", session, narrow)
            .await;
        let narrow = guest.with_session(&narrow.field("token"));
        contract.check(call, &narrow.send(call).await, 403);
    }
    if !body.is_empty() {
        contract.check(call, &guest.send_with(call, "", "[]").await, 400);
        let large = format!("{{{}}}", " ".repeat(1024 * 1024));
        contract.check(call, &guest.send_with(call, "", &large).await, 413);
        let other = guest
            .send_with(call, "Content-Type: text/html\r\n", &body)
            .await;
        contract.check(call, &other, 415);
    }
    if contract.has(call, 404) {
        contract.check(call, &guest.astray().send(call).await, 404);
    }
}

/// What only some operations refuse.
async fn particular_refusals(contract: &mut Contract, guest: &Visitor<'_>) {
    let register = call("POST", "/v2/register", "", BEN, 201);
    contract.check(&register, &guest.send(&register).await, 409);
    let closed = Running::configured(|config| config.accounts.registration = false).await;
    let answer = closed.call("POST", "/v2/register", "", BEN).await;
    contract.check(&register, &answer, 403);
    closed.stop().await;
    let other_apps = Running::configured(|config| config.accounts.apps = vec!["b".into()]).await;
    let answer = other_apps.call("POST", "/v2/register", "", BEN).await;
    contract.check(&register, &answer, 401);
    other_apps.stop().await;

    let activate = call(
        "POST",
        "/v2/things",
        "",
        r#"{"activationCode":"none"}"#,
        201,
    );
    contract.check(&activate, &guest.send(&activate).await, 403);

    let batch = vec![json!({ "key": "level", "value": 1 }); 1000];
    let batch = json!({ "values": batch }).to_string();
    let token = guest.server.thing().await.0;
    let session = &guest.knows["session"];
    guest.server.link(session, &token).await;
    for target in [
        "/v2/things/{thingToken}",
        "/v2/me/resources/{key}/{thingId}",
    ] {
        let session = if target.contains("/me/") { USER } else { "" };
        let write = call("POST", target, session, "", 201);
        let mut writer = guest.with_session(&guest.knows["session"]);
        writer.knows.insert("thingToken", token.clone());
        // The token of a linked thing is taken in place of its id, and has one rate with it.
        writer.knows.insert("thingId", token.clone());
        writer.send_with(&write, "", &batch).await;
        let answer = writer.send_with(&write, "", &batch).await;
        contract.check(&write, &answer, 429);
    }

    let wrong = r#"{"email":"ben@example.com","password":"wrong","app":"a"}"#;
    let login = call("POST", "/v2/login", "", wrong, 200);
    contract.check(&login, &guest.send(&login).await, 401);
    let mut answer = guest.send(&login).await;
    while answer.status == 401 {
        answer = guest.send(&login).await;
    }
    contract.check(&login, &answer, 429);
    // One address has guessed too often, whatever it guesses.
    contract.check(&activate, &guest.send(&activate).await, 429);

    let register = call("POST", "/v2/register", "", BEN, 201);
    let mut answer = guest.send(&register).await;
    while answer.status == 409 {
        answer = guest.send(&register).await;
    }
    contract.check(&register, &answer, 429);
}

#[tokio::test]
async fn a_method_is_taken_if_the_openapi_file_has_it() {
    let server = Running::start().await;
    methods(FILE, server.address, "").await;
    server.stop().await;
}

async fn methods(file: &str, address: SocketAddr, token: &str) {
    let contract = Contract::read(file);
    let error = json!({ "$ref": "#/components/schemas/Error" });
    for (path, methods) in contract.document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let described = methods[method.to_lowercase()].is_object();
            let answer = client::call(address, method, path, token, "").await;
            assert_eq!(
                answer.status != 405,
                described,
                "{method} {path}: {answer:?}"
            );
            if answer.status >= 400 {
                contract.validate(&error, &answer.body);
            }
        }
    }
}
