//! Transcripts of the wire, in virtual time: one file a topic. `C` is what the client sends, `S` what
//! it gets. Letters with numbers name the conformance case that a test covers.

mod attachments;
mod events;
mod lifecycle;
mod properties;
mod protocol_4;

use std::time::Duration;

use super::*;

struct Client {
    connection: Connection,
    now: Instant,
}

impl Client {
    fn open(protocol: Protocol) -> Self {
        #[allow(clippy::disallowed_methods, reason = "virtual time starts anywhere")]
        let now = Instant::now();
        let connection = Connection::open(now, protocol, Arc::new(Config::default()));
        Self { connection, now }
    }

    /// A protocol 5 client in the root namespace.
    fn joined() -> Self {
        let mut client = Self::open(Protocol::V5);
        client.says("0");
        client.accepted("/");
        client
    }

    /// A protocol 4 client, which is in the root unasked.
    fn old() -> Self {
        let mut client = Self::open(Protocol::V4);
        client.accepted("/");
        client
    }

    fn says(&mut self, text: &str) -> &mut Self {
        self.connection
            .handle_message(self.now, Data::Text(text.into()));
        self
    }

    fn sends(&mut self, bytes: &'static [u8]) -> &mut Self {
        self.connection
            .handle_message(self.now, Data::Binary(Bytes::from_static(bytes)));
        self
    }

    fn waits(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.connection.handle_timeout(self.now);
        self
    }

    fn accepted(&mut self, namespace: &str) {
        self.seen();
        let namespace = NamespaceName::parse(namespace).unwrap();
        self.connection.accept(&namespace, "id").unwrap();
        self.seen();
    }

    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.connection.poll_output())
            .map(|output| line(&output))
            .collect()
    }

    #[track_caller]
    fn expect(&mut self, lines: &[&str]) {
        assert_eq!(self.seen(), lines);
    }

    #[track_caller]
    fn expect_closed(&mut self, violation: impl Into<Violation>) {
        self.expect(&[&format!("close: {}", violation.into())]);
        self.says("2[\"late\"]");
        self.expect(&[]);
        assert_eq!(self.connection.poll_timeout(), None);
    }
}

fn line(output: &Output) -> String {
    match output {
        Output::Send(entry) => match entry.head() {
            Data::Text(text) => format!("S {text}"),
            Data::Binary(_) => panic!("packets are text"),
        },
        Output::Close(violation) => format!("close: {violation}"),
        Output::Event(Event::Connect { namespace, auth }) => match auth {
            Some(auth) => format!("connect {namespace} {auth}"),
            None => format!("connect {namespace}"),
        },
        Output::Event(Event::Event {
            namespace,
            name,
            args,
            ack,
        }) => {
            let ack = ack.map(|id| format!(" ack {id}")).unwrap_or_default();
            let args: Vec<&str> = args.iter().collect();
            format!(
                "event {namespace} {} {}{ack}",
                name.as_str(),
                args.join(" ")
            )
        }
        Output::Event(Event::Ack {
            namespace,
            id,
            args,
        }) => {
            let args: Vec<&str> = args.iter().collect();
            format!("answer {namespace} {id} {}", args.join(" "))
        }
        Output::Event(Event::Disconnect { namespace }) => format!("left {namespace}"),
    }
}

/// A packet that waits for two attachments.
const TWO: &str =
    r#"52-["up",{"_placeholder":true,"num":1},{"a":[{"num":0,"x":1,"_placeholder":true}]}]"#;
