//! The real program, started with nothing but what each test gives it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use vestibule::kernel::Token;

/// An empty folder to run in, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("vestibule-it-{}", Token::generate().expose()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let program = env!("CARGO_BIN_EXE_vestibule");
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.0).env_clear().envs(variables.iter().copied());
        Ended::from(&command.output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl From<&Output> for Ended {
    fn from(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    Folder::new().run(arguments, variables)
}

#[test]
fn nothing_at_all_is_a_right_configuration() {
    let ended = run(&["config", "check"], &[]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(ended.out, "The configuration is without mistakes.\n");
}

#[test]
fn mistakes_of_all_kinds_end_with_78_and_one_list() {
    let folder = Folder::new();
    folder.write("vestibule.toml", "[server]\nlisen = \"127.0.0.1:1\"\n[session]\nidle_timeout = \"soon\"\n");
    let ended = folder.run(
        &["config", "check", "--set", "gateway.default=maybe"],
        &[("VESTIBULE__PASSWORD__MIN_STRENGTH", "5"), ("VESTIBULE__MAIL__PASSWORD_FILE", "/nowhere")],
    );
    assert_eq!((ended.code, ended.out.as_str()), (78, ""));
    let expected = [
        "The configuration has 5 mistakes:",
        "gateway.default (from --set): \"maybe\" is not one of the choices.",
        "mail.password (from VESTIBULE__MAIL__PASSWORD_FILE): The file \"/nowhere\" cannot be read",
        "password.min_strength (from VESTIBULE__PASSWORD__MIN_STRENGTH): 5 is out of bounds.",
        "server.lisen (from vestibule.toml): There is no such key. Did you mean server.listen?",
        "session.idle_timeout (from vestibule.toml): \"soon\" is not a duration.",
    ];
    for line in expected {
        assert!(ended.err.contains(line), "{line}\n{}", ended.err);
    }
}

#[test]
fn every_command_that_needs_settings_ends_with_78_without_them() {
    for command in [&["serve"][..], &["healthcheck"], &["config", "print"], &["config", "check", "--json"]] {
        let ended = run(command, &[("VESTIBULE__SERVER__LISTEN", "here")]);
        assert_eq!(ended.code, 78, "{command:?}: {}", ended.err);
        assert!(ended.err.contains("server.listen (from VESTIBULE__SERVER__LISTEN)"), "{}", ended.err);
    }
}

#[test]
fn scripts_read_mistakes_and_warnings_as_json() {
    let wrong = run(&["config", "check", "--json", "--set", "log.format=xml"], &[]);
    let said: serde_json::Value = serde_json::from_str(&wrong.out).unwrap();
    assert_eq!((said["ok"].as_bool(), said["mistakes"][0]["key"].as_str()), (Some(false), Some("log.format")));
    let right = run(&["config", "check", "--json", "--set", "server.listen=0.0.0.0:80"], &[]);
    let said: serde_json::Value = serde_json::from_str(&right.out).unwrap();
    assert_eq!((right.code, said["ok"].as_bool()), (0, Some(true)));
    assert_eq!(said["warnings"][0]["key"], "server.listen");
}

#[test]
fn what_is_printed_is_a_file_that_means_the_same() {
    let folder = Folder::new();
    let named = folder.write("own.toml", "[session]\nidle_timeout = \"10m\"\n");
    let secret = folder.write("secret", "0123\n");
    let variables = [("VESTIBULE__MAIL__PASSWORD_FILE", secret.as_str()), ("VESTIBULE__MAIL__USERNAME", "ann")];
    let first = folder.run(&["config", "print", "--config", &named], &variables);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("idle_timeout = \"10m\" # "), "{}", first.out);
    assert!(first.out.contains("password = \"[redacted]\" # ") && !first.out.contains("0123"), "{}", first.out);
    let again = folder.write("again.toml", &first.out);
    let second = folder.run(&["config", "print", "--json"], &[("VESTIBULE_CONFIG", &again)]);
    let said: serde_json::Value = serde_json::from_str(&second.out).unwrap();
    assert_eq!(said["session"]["idle_timeout"]["value"], "10m");
    assert_eq!(said["mail"]["username"]["value"], "ann");
    assert_eq!(said["mail"]["username"]["origin"], again.as_str());
}

#[test]
fn a_file_in_the_current_folder_is_found_and_a_named_one_wins() {
    let folder = Folder::new();
    folder.write("vestibule.toml", "[database]\npool_size = 3\n");
    let named = folder.write("other.toml", "[database]\npool_size = 4\n");
    let found = folder.run(&["config", "print"], &[]);
    let by_variable = folder.run(&["config", "print"], &[("VESTIBULE_CONFIG", &named)]);
    let by_flag = folder.run(&["--config", &named, "config", "print"], &[("VESTIBULE_CONFIG", "/nowhere")]);
    assert!(found.out.contains("pool_size = 3 # vestibule.toml"), "{}", found.out);
    assert!(by_variable.out.contains("pool_size = 4 # "), "{}", by_variable.out);
    assert!(by_flag.out.contains("pool_size = 4 # "), "{}", by_flag.err);
    assert_eq!(folder.run(&["config", "check", "--config", "/nowhere"], &[]).code, 78);
}

#[test]
fn a_wrong_call_ends_with_2_and_help_with_0() {
    for arguments in [&[][..], &["srve"], &["serve", "--port"], &["config"], &["serve", "--set", "nonsense"]] {
        assert_eq!(run(arguments, &[]).code, 2, "{arguments:?}");
    }
    for command in [&["--help"][..], &["serve", "--help"], &["config", "print", "--help"], &["healthcheck", "--help"]] {
        let ended = run(command, &[]);
        assert_eq!(ended.code, 0, "{command:?}");
        assert!(ended.out.contains("Usage: vestibule") && ended.out.contains("--config <FILE>"), "{}", ended.out);
    }
}

/// A server that gives one answer and returns the request line it saw.
fn answer_once(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("server.listen={}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&stream).lines();
        let first = lines.next().unwrap().unwrap();
        lines.find(|line| line.as_ref().unwrap().is_empty()).unwrap().unwrap();
        (&stream).write_all(answer.as_bytes()).unwrap();
        first
    });
    (listen, server)
}

#[test]
fn the_health_check_believes_a_200_and_nothing_else() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, "ready\n"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\nno database", 1, "not ready"),
        ("HTTP/1.1 302 Found\r\n\r\n", 1, "not ready"),
        ("+OK 200\r\n\r\n", 1, "not HTTP"),
    ];
    for (answer, code, words) in cases {
        let (listen, server) = answer_once(answer);
        let ended = run(&["healthcheck", "--set", &listen], &[]);
        assert_eq!(server.join().unwrap(), "GET /readyz HTTP/1.1");
        assert_eq!(ended.code, code, "{answer}: {}", ended.err);
        assert!(ended.out.contains(words) || ended.err.contains(words), "{ended:?}");
    }
}

#[test]
fn the_health_check_fails_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("server.listen={}", listener.local_addr().unwrap());
    let ended = run(&["healthcheck", "--timeout", "50ms", "--set", &silent], &[]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    drop(listener);
    let ended = run(&["healthcheck", "--json", "--set", &silent], &[]);
    assert_eq!((ended.code, ended.out.as_str()), (1, "{\"ready\":false,\"status\":null}\n"));
    assert!(ended.err.contains("no answer from 127.0.0.1:"), "{}", ended.err);
}

#[test]
fn lists_of_leaked_passwords_are_looked_over_before_anything_starts() {
    let folder = Folder::new();
    let words = folder.write("words.txt", "password\n123456\n");
    let hash = |digit: char| format!("{}:1\n", digit.to_string().repeat(40));
    let unsorted = folder.write("unsorted.txt", &[hash('A'), hash('F'), hash('B')].concat());
    let sorted = folder.write("sorted.txt", &[hash('A'), hash('B'), hash('F')].concat());
    let cases = [
        ("BREACH_FILE", words.as_str(), "is of no use: the line at byte 0 is not the SHA-1 of a password"),
        ("BREACH_FILE", unsorted.as_str(), "is of no use: it is not sorted: the line at byte 86 is not after"),
        ("BREACH_FILE", "/nothing/here", "is of no use: it cannot be read: No such file"),
        ("BREACH_API", "pwnedpasswords.com", "is not a URL"),
        ("BREACH_API", "https://ann:secret@example.com", "holds a user name or password"),
        ("BREACH_API", "https://example.com/?x=", "says more than scheme, host, port and path"),
    ];
    for (key, value, expected) in cases {
        let variable = format!("VESTIBULE__PASSWORD__{key}");
        let ended = folder.run(&["config", "check"], &[(variable.as_str(), value)]);
        let named = ended.err.contains(&format!("password.{}", key.to_ascii_lowercase()));
        assert!(ended.code == 78 && named && ended.err.contains(expected), "{ended:?}");
        assert!(!ended.err.contains("ann:secret"), "{ended:?}");
    }
    let variables = [
        ("VESTIBULE__PASSWORD__BREACH_FILE", sorted.as_str()),
        ("VESTIBULE__PASSWORD__BREACH_API", "https://api.pwnedpasswords.com"),
    ];
    let ended = folder.run(&["config", "check"], &variables);
    assert_eq!(ended.code, 0, "{ended:?}");
}
