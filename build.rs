//! Tells the linker where libtorch lies at run time. Fed by torch-sys, which found it at build time; feeds every
//! program, test and bench of this package. Without the `torch` feature it does nothing.

use std::env;

/// Where an installed program finds the libraries that were installed with it: `PREFIX/bin` → `PREFIX/lib/tympan`.
const INSTALLED: &str = "$ORIGIN/../lib/tympan";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    // The installed place first: a program that was installed never looks into the folder it was built with.
    println!("cargo::rustc-link-arg=-Wl,-rpath,{INSTALLED}");
    // Told by torch-sys (`links = "tch"`), so it is the very folder that was linked, however it was chosen.
    match env::var("DEP_TCH_LIBTORCH_LIB") {
        Ok(libraries) => println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}"),
        Err(_) => println!(
            "cargo::warning=torch-sys did not say where libtorch is; set LD_LIBRARY_PATH to run what is built here"
        ),
    }
}
