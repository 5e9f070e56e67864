//! Files, functions and parameter lists stay small enough to be read at once.

use super::rust_file::RustFile;
use super::{assert_finds, check};

/// A file has fewer lines than this.
const FILE_LINES: usize = 400;

/// A function has fewer lines than this, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 60;

/// `self` aside.
const PARAMETERS: usize = 5;

/// A function's signature and extent.
struct Function {
    name: String,
    /// Index of the line of `fn`.
    line: usize,
    /// Lines up to the closing brace, or of the signature where there is no body.
    lines: usize,
    parameters: usize,
}

fn functions(file: &RustFile) -> Vec<Function> {
    let text = file.code.join("\n");
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("fn ") {
        let name: String = text[at + 3..].chars().take_while(|&c| word(c)).collect();
        if name.is_empty() || text[..at].ends_with(word) {
            continue;
        }
        let line = text[..at].matches('\n').count();
        let (parameters, rest) = parameter_list(&text[at..]);
        let end = body_end(rest);
        let lines = text[at..].len() - rest.len() + end;
        let lines = text[at..at + lines].matches('\n').count() + 1;
        found.push(Function { name, line, lines, parameters });
    }
    found
}

/// Counts the parameters of a function's text from `fn` on; gives what follows their closing parenthesis.
fn parameter_list(text: &str) -> (usize, &str) {
    // generics may hold parentheses: `fn f<F: Fn(u8)>(…)`
    let mut depth = 0i32;
    let mut angle = 0i32;
    let mut last = ' ';
    let mut parameters: Vec<String> = vec![String::new()];
    for (at, c) in text.char_indices() {
        match c {
            '<' => angle += 1,
            '>' if last != '-' && last != '=' => angle -= 1,
            '(' | '[' | '{' if angle == 0 || depth > 0 => depth += 1,
            ')' | ']' | '}' if angle == 0 || depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    let given = |text: &&String| {
                        let text = text.trim();
                        !text.is_empty() && !text.trim_start_matches(['&', ' ']).ends_with("self")
                    };
                    return (parameters.iter().filter(given).count(), &text[at + 1..]);
                }
            }
            ',' if depth == 1 && angle == 0 => parameters.push(String::new()),
            _ => {}
        }
        let inside = depth > 0 && !(depth == 1 && (c == '(' || c == ','));
        if inside && let Some(parameter) = parameters.last_mut() {
            parameter.push(c);
        }
        last = c;
    }
    (0, "")
}

/// The length up to the body's closing brace, or to the semicolon of a function without one.
fn body_end(text: &str) -> usize {
    let mut depth = 0i32;
    for (at, c) in text.char_indices() {
        match c {
            ';' if depth == 0 => return at,
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth -= 1;
                if depth == 0 && c == '}' {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn long_files(file: &RustFile) -> Vec<String> {
    let lines = file.lines.len();
    if lines < FILE_LINES {
        return Vec::new();
    }
    let what = format!("{lines} lines; fewer than {FILE_LINES}: give one of its ideas a file");
    vec![file.fault(lines - 1, what)]
}

fn long_functions(file: &RustFile) -> Vec<String> {
    let long = |function: &Function| function.lines >= FUNCTION_LINES;
    let fault = |Function { name, line, lines, .. }| {
        let what =
            format!("{name} has {lines} lines; fewer than {FUNCTION_LINES}: split off a step");
        file.fault(line, what)
    };
    functions(file).into_iter().filter(long).map(fault).collect()
}

fn many_parameters(file: &RustFile) -> Vec<String> {
    let many = |function: &Function| function.parameters > PARAMETERS;
    let fault = |Function { name, line, parameters, .. }| {
        let what = format!(
            "{name} takes {parameters} parameters; at most {PARAMETERS}: put those that belong together into a type"
        );
        file.fault(line, what)
    };
    functions(file).into_iter().filter(many).map(fault).collect()
}

#[test]
fn files_are_short() {
    check("file length", long_files);
}

#[test]
fn functions_are_short() {
    check("function length", long_functions);
}

#[test]
fn functions_take_few_parameters() {
    check("parameters", many_parameters);
}

#[test]
fn what_is_too_long_is_found() {
    assert_finds(long_files, "src/a.rs", &"\n".repeat(399), &[]);
    assert_finds(long_files, "src/a.rs", &"\n".repeat(400), &[400]);
    let function =
        |lines: usize| format!("\nfn a() -> [u8; 2] {{\n{}}}\n", "    {}\n".repeat(lines));
    assert_finds(long_functions, "src/a.rs", &function(57), &[]);
    assert_finds(long_functions, "src/a.rs", &function(58), &[2]);
}

#[test]
fn too_many_parameters_are_found() {
    let text = "fn a(a: u8, b: u8, c: u8, d: u8, e: u8) {}\n\
                fn b<F: Fn(u8, u8) -> u8>(&mut self, a: F, b: (u8, u8), c: Map<K, V>, d: [u8; 2], e: u8) {}\n\
                fn c(\n    self,\n    a: u8, b: u8, c: u8,\n    d: &mut dyn FnMut(u8, u8) -> u8, e: u8,\n    f: u8,\n);\n";
    assert_finds(many_parameters, "src/a.rs", text, &[3]);
}
