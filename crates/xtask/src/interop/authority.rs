//! An authority of the run's own, and the certificate that it has signed for the loopback address.
//!
//! Both are new in each run and good for a day; their keys stay in the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    install,
    job::{Error, Job},
};

const LIMIT: Duration = Duration::from_secs(30);

const FOLDER: &str = "authority";

/// What a server needs.
pub(super) struct Signed {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// The authority's certificate, for clients.
pub(super) fn certificate(job: &Job<'_>) -> PathBuf {
    job.workspace.artifact(FOLDER).join("authority.pem")
}

/// Makes both.
pub(super) fn sign(job: &mut Job<'_>) -> Result<Signed, Error> {
    let openssl = install::program(job, "openssl")?;
    let folder = job.workspace.empty_folder(FOLDER)?;
    // What a client compares with the host of the URL.
    fs::write(folder.join("server.ext"), "subjectAltName=IP:127.0.0.1\n")?;
    for arguments in [
        "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=authority -keyout authority.key -out authority.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr",
        "x509 -req -days 1 -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
         -extfile server.ext -out server.pem",
    ] {
        job.run(command(&openssl, arguments, &folder), LIMIT)?;
    }
    Ok(Signed {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    })
}

fn command(openssl: &Path, arguments: &str, folder: &Path) -> Command {
    let mut command = Command::new(openssl);
    command
        .args(arguments.split_ascii_whitespace())
        .current_dir(folder);
    command
}
