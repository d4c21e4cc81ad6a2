//! The private PostgreSQL cluster: made, kept, locked, killed in every way and started again.

mod stage;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use stage::{Folder, Service, ask, connect, owner, postmaster, run, runs, serve_if_asked, signal, wait_until};
use vestibule::db::cluster::{Cluster, Error};

#[test]
fn the_first_start_makes_a_cluster_and_the_next_one_keeps_its_data() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert_eq!(cluster.folder(), folder.data_dir().join("postgres"));
    run(cluster.url(), "CREATE TABLE kept AS SELECT 'Grüße' AS word");
    let (url, pid) = (cluster.url().to_owned(), postmaster(cluster.folder()));
    cluster.stop().unwrap();
    assert!(!runs(pid));
    assert!(PgConnection::establish(&url).is_err());

    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert_eq!(cluster.url(), url);
    assert_eq!(ask(cluster.url(), "SELECT upper(word) FROM kept"), "GRÜßE");
    let pid = postmaster(cluster.folder());
    drop(cluster);
    assert!(!runs(pid), "a dropped cluster still runs");
}

#[test]
fn it_is_durable_and_its_role_is_no_superuser() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit", "data_checksums"] {
        assert_eq!(ask(cluster.url(), &format!("current_setting('{setting}')")), "on", "{setting}");
    }
    let identity = "SELECT concat_ws(' ', current_user, current_database(), usesuper) FROM pg_user \
                    WHERE usename = current_user";
    assert_eq!(ask(cluster.url(), identity), "vestibule vestibule f");
    let owned = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()";
    assert_eq!(ask(cluster.url(), owned), "vestibule");
    assert_eq!(ask(cluster.url(), "getdatabaseencoding()"), "UTF8");
    cluster.stop().unwrap();
}

#[test]
fn no_tcp_port_is_listened_on() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert_eq!(ask(cluster.url(), "current_setting('listen_addresses')"), "");
    assert!(std::path::Path::new("/proc/self/fd").exists(), "the rest of this test reads /proc");
    let open = fs::read_dir(format!("/proc/{}/fd", postmaster(cluster.folder()))).unwrap();
    let sockets: Vec<String> = open
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    assert!(!sockets.is_empty(), "not even the Unix socket was found");
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        let inodes: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(9)).collect();
        assert!(!sockets.iter().any(|socket| inodes.contains(&socket.as_str())), "{table}");
    }
    cluster.stop().unwrap();
}

#[test]
fn only_the_account_of_the_service_is_let_in() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    let socket = fs::metadata(cluster.folder().join("socket")).unwrap();
    assert_eq!((socket.mode() & 0o777, socket.uid()), (0o700, owner(cluster.folder())));
    let methods = "SELECT string_agg(concat_ws(' ', type, auth_method), ',') FROM pg_hba_file_rules";
    let admin_url = cluster.url().replace("/vestibule?", "/postgres?").replace("user=vestibule", "user=postgres");
    assert_eq!(ask(&admin_url, methods), "local peer");
    if stage::is_root() {
        // Whoever else runs as the cluster's account can enter the folder, and no further.
        let mut psql = Command::new("psql");
        let output = psql.uid(owner(cluster.folder())).current_dir("/").arg(cluster.url()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("Peer authentication failed"), "{output:?}");
    }
    cluster.stop().unwrap();
}

#[test]
fn two_services_on_one_folder_are_an_error_that_names_the_first() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    let same = folder.path().join("data/../data");
    let error = Cluster::start(&same).err().expect("the folder is in use");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    let (text, program) = (error.to_string(), std::env::current_exe().unwrap());
    assert!(text.contains(&format!("process {} (", std::process::id())), "{text}");
    assert!(text.contains(program.file_name().unwrap().to_str().unwrap()), "{text}");
    assert_eq!(ask(cluster.url(), "1"), "1");
    cluster.stop().unwrap();
}

#[test]
fn a_killed_cluster_comes_back_at_the_same_url_with_what_was_committed() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    run(cluster.url(), "CREATE TABLE kept (word text)");
    let mut open = connect(cluster.url());
    sql_query("INSERT INTO kept VALUES ('committed')").execute(&mut open).unwrap();
    sql_query("BEGIN").execute(&mut open).unwrap();
    sql_query("INSERT INTO kept VALUES ('not committed')").execute(&mut open).unwrap();
    let first = postmaster(cluster.folder());
    signal("KILL", first);
    wait_until("it ended", || !runs(first));
    let since = Instant::now();
    assert_eq!(ask(cluster.url(), "SELECT string_agg(word, ',') FROM kept"), "committed");
    assert!(since.elapsed() < Duration::from_secs(10), "it took {:?}", since.elapsed());
    assert_ne!(postmaster(cluster.folder()), first);
    cluster.stop().unwrap();
}

#[test]
fn what_a_killed_service_leaves_running_is_stopped_by_the_next_one() {
    serve_if_asked();
    let folder = Folder::new();
    let mut service =
        Service::spawn("cluster::what_a_killed_service_leaves_running_is_stopped_by_the_next_one", &folder.data_dir());
    run(&service.url(), "CREATE TABLE kept AS SELECT 'committed' AS word");
    let orphan = postmaster(&folder.data_dir().join("postgres"));
    signal("KILL", service.pid());
    service.wait();
    assert!(runs(orphan), "there is nothing to test: it ended with the service");

    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert!(!runs(orphan));
    assert_eq!(ask(cluster.url(), "SELECT word FROM kept"), "committed");
    cluster.stop().unwrap();
}

#[test]
fn a_service_and_a_cluster_that_were_both_killed_are_recovered() {
    serve_if_asked();
    let folder = Folder::new();
    let mut service =
        Service::spawn("cluster::a_service_and_a_cluster_that_were_both_killed_are_recovered", &folder.data_dir());
    run(&service.url(), "CREATE TABLE kept AS SELECT 'committed' AS word");
    signal("KILL", service.pid());
    signal("KILL", postmaster(&folder.data_dir().join("postgres")));
    // At once: its other processes may still be running.
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert_eq!(ask(cluster.url(), "SELECT word FROM kept"), "committed");
    cluster.stop().unwrap();
}

#[test]
fn ctrl_c_in_the_terminal_is_not_heard_by_the_cluster() {
    serve_if_asked();
    let folder = Folder::new();
    let mut service = Service::spawn("cluster::ctrl_c_in_the_terminal_is_not_heard_by_the_cluster", &folder.data_dir());
    let mut conn = connect(&service.url());
    let pid = postmaster(&folder.data_dir().join("postgres"));
    // To every process of the group, as a terminal does. This service does not handle it, and ends.
    signal("INT", format!("-{}", service.pid()));
    service.wait();
    assert!(runs(pid));
    sql_query("SELECT 1").execute(&mut conn).expect("the connection was ended");
    Cluster::start(&folder.data_dir()).unwrap().stop().unwrap();
    assert!(!runs(pid));
}

#[test]
fn a_cluster_that_was_not_made_to_the_end_is_made_anew() {
    serve_if_asked();
    let folder = Folder::new();
    let home = folder.data_dir().join("postgres");
    let mut service =
        Service::spawn("cluster::a_cluster_that_was_not_made_to_the_end_is_made_anew", &folder.data_dir());
    wait_until("initdb has begun", || home.join("making-1/PG_VERSION").exists());
    signal("KILL", service.pid());
    service.wait();
    assert!(!home.join("data").exists(), "there is nothing to test: it was made");

    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    assert_eq!(ask(cluster.url(), "current_database()"), "vestibule");
    cluster.stop().unwrap();
    wait_until("the abandoned initdb is gone", || {
        Cluster::start(&folder.data_dir()).unwrap().stop().unwrap();
        !home.join("making-1").exists() && !home.join("making-2").exists()
    });
}

#[test]
fn a_process_that_got_the_number_of_a_dead_cluster_is_left_alone() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    let (home, pid_file) = (cluster.folder().to_path_buf(), cluster.folder().join("data/postmaster.pid"));
    let (left, pid) = (fs::read_to_string(&pid_file).unwrap(), postmaster(&home));
    cluster.stop().unwrap();
    // Under the account of the cluster: PostgreSQL ignores the processes of others by itself.
    let mut stranger = Command::new("sleep").arg("60").uid(owner(&home)).spawn().unwrap();
    fs::write(&pid_file, left.replacen(&pid.to_string(), &stranger.id().to_string(), 1)).unwrap();
    fs::set_permissions(&pid_file, fs::Permissions::from_mode(0o644)).unwrap();

    let started = Cluster::start(&folder.data_dir());
    let lives = runs(stranger.id());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    started.unwrap().stop().unwrap();
    assert!(lives);
}

#[test]
fn a_cluster_of_another_version_is_an_error_that_names_both() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    let version_file = cluster.folder().join("data/PG_VERSION");
    let installed = ask(cluster.url(), "current_setting('server_version_num')::int / 10000");
    cluster.stop().unwrap();
    fs::write(&version_file, "8\n").unwrap();
    let error = Cluster::start(&folder.data_dir()).err().expect("nobody has version 8");
    assert!(matches!(&error, Error::OtherVersion { made_by: 8, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("made by PostgreSQL 8") && text.contains(&installed), "{text}");
    fs::write(&version_file, format!("{installed}\n")).unwrap();
    Cluster::start(&folder.data_dir()).unwrap().stop().unwrap();
}

#[test]
fn when_it_does_not_start_the_error_says_what_postgresql_said() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.data_dir()).unwrap();
    let settings = cluster.folder().join("data/postgresql.conf");
    cluster.stop().unwrap();
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{text}\nno_such_setting = 1\n")).unwrap();
    let error = Cluster::start(&folder.data_dir()).err().expect("the setting does not exist").to_string();
    assert!(error.contains("no_such_setting") && error.contains("postgres.log"), "{error}");
}

#[test]
fn a_path_that_no_socket_can_have_gets_one_below_tmp() {
    let folder = Folder::new();
    for name in ["x".repeat(200), "a,b".to_owned()] {
        let cluster = Cluster::start(&folder.path().join(name)).unwrap();
        assert_eq!(ask(cluster.url(), "1"), "1");
        let (_, socket) = cluster.url().split_once("?host=").unwrap();
        let socket = socket.split('&').next().unwrap().replace("%2F", "/");
        assert!(socket.starts_with("/tmp/vestibule-"), "{socket}");
        let found = fs::symlink_metadata(&socket).unwrap();
        assert_eq!((found.mode() & 0o777, found.uid()), (0o700, owner(cluster.folder())));
        cluster.stop().unwrap();
        assert!(!fs::exists(&socket).unwrap(), "{socket} was left behind");
    }
}

#[test]
fn a_path_with_every_odd_character_works() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder.path().join("a \"b\" & c?d=e#é%41 'f\\")).unwrap();
    assert!(cluster.folder().join("socket/.s.PGSQL.5432").exists());
    assert_eq!(ask(cluster.url(), "1"), "1");
    cluster.stop().unwrap();
}

#[test]
fn a_folder_below_a_closed_home_works_for_root_and_for_its_owner() {
    let folder = Folder::new();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = Cluster::start(&closed.join("data")).unwrap();
    let home = cluster.folder().to_path_buf();
    run(cluster.url(), "CREATE TABLE kept AS SELECT 'here' AS word");
    cluster.stop().unwrap();
    // What exists is found again, even where a new one would now be made elsewhere.
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = Cluster::start(&closed.join("data")).unwrap();
    assert_eq!(cluster.folder(), home);
    assert_eq!(ask(cluster.url(), "SELECT word FROM kept"), "here");
    cluster.stop().unwrap();
    if stage::is_root() {
        assert!(home.starts_with("/var/lib/vestibule/"), "{}", home.display());
        assert_ne!(owner(&home), 0);
        fs::remove_dir_all(&home).unwrap();
    } else {
        assert_eq!(home, closed.join("data/postgres"));
    }
}
