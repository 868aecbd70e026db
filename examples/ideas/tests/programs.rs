//! Each program prints the output in its header.

use std::error::Error;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use tokio::process::Command;
use tokio::time::timeout;

/// A program that takes longer hangs.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn each_program_prints_the_output_in_its_header() -> Result<(), Box<dyn Error>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let mut programs = 0;
    for source in fs::read_dir(sources)? {
        let source = source?.path();
        let name = source.file_stem().and_then(|stem| stem.to_str()).ok_or("a source file without a name")?;
        let program = env::var_os(format!("CARGO_BIN_EXE_{name}"))
            .ok_or_else(|| format!("`{name}` is not in Cargo.toml"))?;
        let output = timeout(LIMIT, Command::new(program).kill_on_drop(true).output())
            .await
            .map_err(|_| format!("{name} has not ended after {LIMIT:?}"))??;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} failed with {}: {errors}", output.status);
        assert_eq!(
            String::from_utf8(output.stdout)?,
            expected_output(&fs::read_to_string(&source)?),
            "{name}"
        );
        programs += 1;
    }
    assert!(programs > 0, "no programs in src/bin");
    Ok(())
}

/// Returns the `text` block in a program's header.
fn expected_output(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text = header.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let block = text.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
    block.flat_map(|line| [line, "\n"]).collect()
}
