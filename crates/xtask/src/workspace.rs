//! Where things lie: the workspace's folder, the target folder and what xtask keeps in it.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::job::Error;

/// The folders of this checkout.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Asks cargo for the target folder, which the caller's environment may have moved.
    pub(crate) fn locate() -> Result<Self, Error> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .ok_or("the manifest has no workspace above it")?
            .to_path_buf();
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(&root)
            .output()?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"]
            .as_str()
            .ok_or("cargo metadata names no target folder")?
            .into();
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The target folder of cargo.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Something that a run leaves behind: a log, a report, a screenshot.
    pub(crate) fn artifact(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// A binary or example that cargo has built without `--release`.
    pub(crate) fn built(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A binary that cargo has built with `--release`.
    pub(crate) fn released(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// A folder below the artifacts that is there and empty.
    pub(crate) fn empty_folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.artifact(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
