//! A server that admins look at with `@socket.io/admin-ui`.
//!
//! `ADMIN_PASSWORD=… cargo run -p socketio --example admin -- [PORT] [PAGE]`, then open the user
//! interface that is in `ui/dist` of the package, served by any web server, and enter the address
//! that is printed, the user name `ops` and the password. PAGE is the origin of the user interface,
//! such as `http://localhost:8080`: a browser does not let it read from here otherwise.

use std::{env, error::Error};

use socketio::{
    Event, HandlerError, Server, Socket,
    admin::{Access, Admin, Credentials},
    engineio::{Config, Cors},
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let password = env::var("ADMIN_PASSWORD")?;
    let mut arguments = env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "3000".into());
    let mut engine = Config::default();
    if let Some(page) = arguments.next() {
        engine.cors = Cors::List(vec![page.parse()?]);
    }

    let server = Server::builder().engine(engine).build();
    server.of("/").on("join", join);
    server.of("/").on("leave", leave);
    server.of("/").on("say", say);
    let credentials = Credentials::password("ops", &password);
    server.admin(Admin::new(credentials).access(Access::Commands));

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    server.serve(listener, std::future::pending()).await?;
    Ok(())
}

async fn join(socket: Socket, event: Event) -> Result<(), HandlerError> {
    socket.join(event.arg::<String>(0)?)?;
    event.ack(())?;
    Ok(())
}

async fn leave(socket: Socket, event: Event) -> Result<(), HandlerError> {
    socket.leave(event.arg::<String>(0)?);
    event.ack(())?;
    Ok(())
}

async fn say(socket: Socket, event: Event) -> Result<(), HandlerError> {
    let (room, text): (String, String) = (event.arg(0)?, event.arg(1)?);
    socket.namespace().to(room).emit("said", (text,))?;
    event.ack(())?;
    Ok(())
}
