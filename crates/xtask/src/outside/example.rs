//! The Rust code blocks of a README as programs, in the way rustdoc makes programs of them.

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Example {
    /// A whole program.
    pub(super) program: String,
    pub(super) ending: Ending,
}

/// What can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ends by itself, and well.
    Succeeds,
    /// It serves until it is stopped (`no_run`).
    Never,
}

/// All blocks that name Rust as their language.
pub(super) fn examples(markdown: &str) -> Vec<Example> {
    let blocks = blocks(markdown).filter_map(|(language, block)| {
        let mut words = language.split(',');
        (words.next() == Some("rust")).then(|| Example {
            ending: match words.any(|word| word == "no_run") {
                true => Ending::Never,
                false => Ending::Succeeds,
            },
            program: program(&block),
        })
    });
    blocks.collect()
}

/// The first block that names this language and nothing else, as it stands.
pub(super) fn block(markdown: &str, language: &str) -> Option<String> {
    let mut blocks = blocks(markdown);
    let (_, block) = blocks.find(|(named, _)| *named == language)?;
    Some(block.join("\n"))
}

/// What stands behind the opening fence of each block, and its lines.
fn blocks(markdown: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let mut lines = markdown.lines();
    std::iter::from_fn(move || {
        let language = lines.by_ref().find_map(|line| line.strip_prefix("```"))?;
        Some((
            language,
            lines.by_ref().take_while(|line| *line != "```").collect(),
        ))
    })
}

/// Shows hidden lines, and puts statements into a `main`.
fn program(block: &[&str]) -> String {
    let lines: Vec<&str> = block.iter().map(|line| shown(line)).collect();
    let code = lines.join("\n");
    if code.contains("fn main()") {
        code
    } else if code.trim_end().ends_with("(())") {
        format!(
            "fn main() {{\nfn example() -> Result<(), impl std::fmt::Debug> {{\n{code}\n}}\nexample().unwrap()\n}}\n"
        )
    } else {
        format!("fn main() {{\n{code}\n}}\n")
    }
}

fn shown(line: &str) -> &str {
    match line.trim_start() {
        "#" => "",
        trimmed => trimmed.strip_prefix("# ").unwrap_or(line),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Example, block, examples};

    fn example(program: &str, ending: Ending) -> Example {
        let program = program.into();
        Example { program, ending }
    }

    #[test]
    fn blocks_become_programs() {
        let markdown = "\
```console
$ ls
```
```rust
# use a::b;
#
b();
```
```rust,no_run
fn main() {}
```
```rust
b()?;
# Ok::<_, E>(())
```
";
        assert_eq!(block(markdown, "console").as_deref(), Some("$ ls"));
        assert_eq!(block(markdown, "toml"), None);
        assert_eq!(
            examples(markdown),
            [
                example("fn main() {\nuse a::b;\n\nb();\n}\n", Ending::Succeeds),
                example("fn main() {}", Ending::Never),
                example(
                    "fn main() {\nfn example() -> Result<(), impl std::fmt::Debug> {\n\
                     b()?;\nOk::<_, E>(())\n}\nexample().unwrap()\n}\n",
                    Ending::Succeeds
                ),
            ]
        );
    }
}
