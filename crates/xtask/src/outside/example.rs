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
    let mut examples = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut words = language.split(',');
        if words.next() == Some("rust") {
            let ending = match words.any(|word| word == "no_run") {
                true => Ending::Never,
                false => Ending::Succeeds,
            };
            let program = program(&block);
            examples.push(Example { program, ending });
        }
    }
    examples
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
    use super::{Ending, Example, examples};

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
