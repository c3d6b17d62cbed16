//! docs/topicd.admin.openapi.json against the operator's listener.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, Contract, Visitor, call};
use crate::{
    client::{self, Answer},
    server::Running,
    socket::Socket,
    stream::{GREETING, Stream},
};

const FILE: &str = "topicd.admin.openapi.json";
const TOKEN: &str = "Bearer {operator}";
const ANNA: &str = r#"{"email":"anna@example.com","app":"a"}"#;
const BEN: &str = r#"{"email":"ben@example.com","app":"a","password":"secret"}"#;
const BEN_ALONE: &str = r#"{"email":"ben@example.com","app":"a"}"#;
const NARROW: &str =
    r#"{"email":"anna@example.com","app":"a","topics":["/me/resources/level"],"expiresIn":60}"#;
const PRESENTED: &str = r#"{"token":"{session}"}"#;
const APP: &str = r#"{"id":"mine"}"#;
const READ: &str = r#"{"scope":"read"}"#;
const WRITE: &str = r#"{"scope":"write"}"#;
const GRANTS: &str = "/admin/things/{thingId}/grants";
const TAIL: &str = "/admin/tail?thing={thingId}";

const fn operator(
    method: &'static str,
    target: &'static str,
    body: &'static str,
    status: u16,
) -> Call {
    call(method, target, TOKEN, body, status)
}

/// One call of each operation but the stream and the metrics, in an order in which each succeeds: a
/// socket of Anna's is connected, and one topic of each kind is subscribed to.
fn calls() -> Vec<Call> {
    vec![
        call("GET", "/healthz", "", "", 200),
        call("GET", "/readyz", "", "", 200),
        operator("POST", "/admin/apps", APP, 201),
        operator("GET", "/admin/apps", "", 200),
        operator("DELETE", "/admin/apps/{app}", "", 200),
        operator("POST", "/admin/codes", "", 201),
        operator("POST", "/admin/things", "", 201),
        operator("GET", "/admin/things?limit=5&after=0", "", 200),
        operator("POST", GRANTS, READ, 201),
        operator("POST", GRANTS, WRITE, 201),
        operator("GET", GRANTS, "", 200),
        operator("DELETE", "/admin/things/{thingId}/grants/{grant}", "", 200),
        operator("GET", "/admin/connections?limit=5", "", 200),
        operator("GET", "/admin/topics?limit=5", "", 200),
        operator("POST", "/admin/disconnect", r#"{"user":{user}}"#, 200),
        operator("POST", "/admin/things/{thingId}/token", "", 200),
        operator("POST", "/admin/things/{thingId}/revoke", "", 200),
        operator("POST", "/admin/users", BEN, 201),
        operator("GET", "/admin/users?limit=5&after=0", "", 200),
        operator("POST", "/admin/users/password", BEN, 200),
        operator("POST", "/admin/users/remove", BEN_ALONE, 200),
        operator("POST", "/admin/tokens", ANNA, 201),
        operator("POST", "/admin/tokens", NARROW, 201),
        operator("POST", "/admin/tokens/revoke", PRESENTED, 200),
        operator("POST", "/admin/users/revoke", ANNA, 200),
    ]
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

/// Lists that are empty would match any description of their entries.
fn is_not_empty(answer: &Answer) -> bool {
    let answer = json_of(answer);
    let mut lists = answer.as_object().unwrap().iter();
    lists.all(|(name, list)| name == "configured" || list.as_array().is_none_or(|l| !l.is_empty()))
}

#[tokio::test]
async fn every_answer_to_the_operator_is_as_the_openapi_file_says() {
    let server = Running::start().await;
    let mut contract = Contract::read(FILE);
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe(&format!("/things/{}", guest.thing)).await;
    socket.subscribe("/me/resources/level").await;
    let token = std::fs::read_to_string(server.folder().join("admin-token")).unwrap();
    let users = server.admin("GET", "/admin/users", "").await;
    let knows = BTreeMap::from([
        ("operator", token.trim().to_owned()),
        ("session", guest.session.clone()),
        ("thingId", guest.thing_id.clone()),
        ("app", "mine".to_owned()),
        ("user", json_of(&users)["users"][0]["user"].to_string()),
        ("grant", "1".to_owned()),
    ]);
    let visitor = Visitor {
        server: &server,
        address: server.admin,
        knows,
    };
    for call in &calls() {
        contract.check_request(call, &visitor.fill(call.body));
        let answer = visitor.send(call).await;
        contract.check(call, &answer, call.status);
        assert!(is_not_empty(&answer), "{} {answer:?}", call.target);
    }
    metrics(&mut contract, &visitor).await;
    tail(&mut contract, &visitor).await;
    for call in calls().iter().chain([&operator("GET", TAIL, "", 200)]) {
        refusals(&mut contract, &visitor, call).await;
    }
    conflicts(&mut contract, &visitor).await;
    contract.is_whole();
    server.stop().await;
}

/// The one answer that is no JSON.
async fn metrics(contract: &mut Contract, visitor: &Visitor<'_>) {
    let metrics = operator("GET", "/metrics", "", 200);
    let answer = visitor.send(&metrics).await;
    assert_eq!(answer.status, 200);
    let operation = contract.operation(&metrics);
    let described = operation["responses"]["200"]["content"]
        .as_object()
        .unwrap();
    for name in described.keys() {
        let line = format!("\r\ncontent-type: {name};");
        assert!(answer.head.contains(&line), "{answer:?}");
    }
    let id = operation["operationId"].as_str().unwrap().to_owned();
    contract.seen.insert((id, 200));
    let stranger = Call {
        session: "",
        ..metrics
    };
    contract.check(&metrics, &visitor.send(&stranger).await, 401);
}

/// The stream of a thing and that of a resource: the greeting and an update.
async fn tail(contract: &mut Contract, visitor: &Visitor<'_>) {
    let made = visitor.server.thing().await;
    let anna = r#"{"email":"anna@example.com","password":"secret","app":"a"}"#;
    let login = visitor.server.call("POST", "/v2/login", "", anna).await;
    visitor.server.link(&login.field("token"), &made.0).await;
    let by_thing: &str = format!("/admin/tail?thing={}", made.1).leak();
    for target in [
        by_thing,
        "/admin/tail?email=anna%40example.com&app=a&key=level",
    ] {
        let call = operator("GET", target, "", 200);
        let token = visitor.fill(TOKEN);
        let mut stream = Stream::open_at(visitor.address, target, &token).await;
        let mut documents = vec![stream.chunk().await.unwrap()];
        assert_eq!(documents[0], GREETING);
        visitor.server.write(&made.0, "level", "7").await;
        documents.push(stream.chunk().await.unwrap());
        assert!(documents[1].contains("level"), "{documents:?}");
        for body in documents {
            let answer = Answer {
                status: 200,
                head: stream.head.to_ascii_lowercase(),
                body,
            };
            contract.check(&call, &answer, 200);
        }
    }
}

/// Each status is provoked where it is described, and one that is not described fails there.
async fn refusals(contract: &mut Contract, visitor: &Visitor<'_>, call: &Call) {
    if call.session.is_empty() {
        return;
    }
    let body = visitor.fill(call.body);
    let stranger = Call {
        session: "Bearer nobody",
        ..*call
    };
    contract.check(call, &visitor.send(&stranger).await, 401);
    if call.target.contains('?') {
        let target = format!("{}&limit=1&limit=2&key=x", call.target);
        let twice = Call {
            target: target.leak(),
            ..*call
        };
        contract.check(call, &visitor.send(&twice).await, 400);
    }
    if call.target.contains('{') && !call.target.contains('?') {
        let mut malformed = visitor.astray();
        for name in ["thingId", "app", "grant"] {
            malformed.knows.insert(name, "%FF".to_owned());
        }
        contract.check(call, &malformed.send(call).await, 400);
    }
    if !body.is_empty() {
        contract.check(call, &visitor.send_with(call, "", "[]").await, 400);
        let large = format!("{{{}}}", " ".repeat(1024 * 1024));
        contract.check(call, &visitor.send_with(call, "", &large).await, 413);
        let html = "Content-Type: text/html\r\n";
        contract.check(call, &visitor.send_with(call, html, &body).await, 415);
    }
    if contract.has(call, 404) {
        let mut astray = visitor.astray();
        for name in ["session", "user"] {
            astray.knows.insert(name, "1000".to_owned());
        }
        let body = astray.fill(call.body).replace("anna@", "nobody@");
        contract.check(call, &astray.send_with(call, "", &body).await, 404);
    }
}

async fn conflicts(contract: &mut Contract, visitor: &Visitor<'_>) {
    let app = operator("POST", "/admin/apps", APP, 201);
    let user = operator("POST", "/admin/users", BEN, 201);
    let grant = operator("POST", GRANTS, READ, 201);
    for call in [app, user] {
        contract.check(&call, &visitor.send(&call).await, 201);
        contract.check(&call, &visitor.send(&call).await, 409);
    }
    let mut answer = visitor.send(&grant).await;
    while answer.status == 201 {
        answer = visitor.send(&grant).await;
    }
    contract.check(&grant, &answer, 409);
}

#[tokio::test]
async fn a_method_is_taken_if_the_operators_openapi_file_has_it() {
    let server = Running::start().await;
    let token = std::fs::read_to_string(server.folder().join("admin-token")).unwrap();
    super::methods(FILE, server.admin, &format!("Bearer {}", token.trim())).await;
    server.stop().await;
}

/// What the description says of the listener as a whole.
#[tokio::test]
async fn what_is_not_described_is_refused_in_general() {
    let server = Running::start().await;
    let contract = Contract::read(FILE);
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let absent = server.admin("GET", "/admin/nowhere", "").await;
    assert_eq!(absent.status, 404);
    contract.validate(&error, &absent.body);
    let long = "x".repeat(100_000);
    for (target, line, status) in [
        ("/healthz", "no header", 400),
        (&format!("/healthz?{}", &long[..20_000]), "A: b", 431),
        ("/healthz", &format!("A: {long}"), 431),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\n");
        let answer = client::raw(server.admin, &request).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, ""),
            "{line:.20}"
        );
    }
    server.stop().await;
}

#[test]
fn secrets_are_wanted_by_all_but_health() {
    let contract = Contract::read(FILE);
    assert_eq!(contract.document["security"], json!([{ "operator": [] }]));
    for (path, methods) in contract.document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let open = operation["security"] == json!([]);
            assert_eq!(
                open,
                matches!(path.as_str(), "/healthz" | "/readyz"),
                "{path}"
            );
        }
    }
}
