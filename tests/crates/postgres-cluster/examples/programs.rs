//! Prints where the programs of `PostgreSQL` are, or what was searched and how to install them. `.ci/postgres` runs it.

use std::process::ExitCode;

use postgres_cluster::Programs;

fn main() -> ExitCode {
    match Programs::find() {
        Ok(programs) => {
            println!("{} in {}", programs.version(), programs.folder().display());
            ExitCode::SUCCESS
        }
        Err(missing) => {
            eprintln!("{missing}");
            ExitCode::FAILURE
        }
    }
}
