//! `cargo xtask test`: the list of everything that has to hold.

use std::process::ExitCode;

use crate::{
    browser, bundles, checks, conformance, contract, differential, durability, examples, fuzz,
    interop,
    job::{Error, Pace},
    outside, purity, quickstart,
    run::{Step, run_all},
    workspace::Workspace,
};

/// All steps, cheap ones first.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "rustfmt finds nothing to change",
        run: checks::fmt,
    },
    Step {
        name: "purity",
        about: "the protocol cores do no I/O",
        run: purity::check,
    },
    Step {
        name: "contract",
        about: "every line of topicd's interface has a test, and the table is up to date",
        run: contract::check,
    },
    Step {
        name: "clippy",
        about: "no warnings in any target",
        run: checks::clippy,
    },
    Step {
        name: "doc",
        about: "the documentation builds without warnings",
        run: checks::doc,
    },
    Step {
        name: "tests",
        about: "cargo test of the workspace",
        run: checks::tests,
    },
    Step {
        name: "churn",
        about: "the driver with all features, and its clients that come and go, at full length",
        run: checks::churn,
    },
    Step {
        name: "build",
        about: "the servers and tools used below",
        run: checks::build,
    },
    Step {
        name: "differential",
        about: "our decoders against the reference's",
        run: differential::check,
    },
    Step {
        name: "interop",
        about: "real clients against the fixtures and topicd",
        run: interop::check,
    },
    Step {
        name: "examples",
        about: "the examples of socketio, with old and new clients",
        run: examples::check,
    },
    Step {
        name: "browser",
        about: "the console in Chromium",
        run: browser::check,
    },
    Step {
        name: "quickstart",
        about: "the quick starts of README and guide, in a clean clone",
        run: quickstart::check,
    },
    Step {
        name: "bundles",
        about: "real clients in Chromium against the socketio fixture",
        run: bundles::check,
    },
    Step {
        name: "durability",
        about: "no write is acknowledged before it is on disk; 100 kills under 8 writers",
        run: durability::check,
    },
    Step {
        name: "conformance",
        about: "siospec against our fixtures",
        run: conformance::check,
    },
    Step {
        name: "fuzz",
        about: "a short run of every fuzz target",
        run: fuzz::check,
    },
    Step {
        name: "deny",
        about: "licences, sources and bans of dependencies",
        run: checks::deny,
    },
    Step {
        name: "outside",
        about: "the README examples in a crate outside the workspace",
        run: outside::check,
    },
    Step {
        name: "package",
        about: "the crates can be packaged",
        run: checks::package,
    },
];

/// Steps of `--quick`. The others build or install too much for five minutes.
const QUICK: &[&str] = &[
    "fmt",
    "purity",
    "contract",
    "tests",
    "build",
    "interop",
    "browser",
    "conformance",
];

/// Steps that run what the step `build` makes, which they bring along.
const BUILT: &[&str] = &[
    "differential",
    "interop",
    "browser",
    "bundles",
    "durability",
    "conformance",
];

/// Runs the steps that the options choose.
pub(crate) fn command(options: &[&str]) -> Result<ExitCode, Error> {
    let (pace, steps) = match options {
        [] => (Pace::Full, choose(Pace::Full, None)?),
        ["--quick"] => (Pace::Quick, choose(Pace::Quick, None)?),
        ["--only", names] => {
            let names: Vec<&str> = names.split(',').collect();
            (Pace::Full, choose(Pace::Full, Some(&names))?)
        }
        ["--list"] => {
            print_list();
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Err(format!("test does not know {}", options.join(" ")).into()),
    };
    Ok(run_all(&Workspace::locate()?, &steps, pace))
}

/// The steps with these names and what they need, in the order of the list; without names those of
/// the pace.
pub(crate) fn choose(pace: Pace, names: Option<&[&str]>) -> Result<Vec<&'static Step>, Error> {
    let Some(names) = names else {
        let runs = |step: &&Step| pace == Pace::Full || QUICK.contains(&step.name);
        return Ok(STEPS.iter().filter(runs).collect());
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        return Err(format!("no step is named {unknown}").into());
    }
    let needs_build = names.iter().any(|name| BUILT.contains(name));
    let chosen = |step: &&Step| names.contains(&step.name) || (needs_build && step.name == "build");
    Ok(STEPS.iter().filter(chosen).collect())
}

fn print_list() {
    for Step { name, about, .. } in STEPS {
        println!("{name:<14} {about}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, QUICK, STEPS, choose};

    #[test]
    fn steps_are_chosen_by_name_and_pace() {
        let chosen = choose(Pace::Full, Some(&["interop", "fmt"])).unwrap();
        assert_eq!(
            chosen.iter().map(|step| step.name).collect::<Vec<_>>(),
            ["fmt", "build", "interop"]
        );
        assert_eq!(choose(Pace::Full, Some(&["fmt"])).unwrap().len(), 1);
        assert!(choose(Pace::Full, Some(&["fnt"])).is_err());
        assert_eq!(choose(Pace::Full, None).unwrap().len(), STEPS.len());
        assert_eq!(choose(Pace::Quick, None).unwrap().len(), QUICK.len());
    }
}
