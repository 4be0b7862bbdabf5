//! The floor: nginx, one process, HTTP/2 over TLS on loopback, answering every request with an empty 200.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::step::run;

#[derive(Debug)]
pub(super) struct Nginx {
    child: Child,
    pub(super) port: u16,
}

impl Nginx {
    pub(super) fn start(home: &Path) -> Result<Nginx> {
        let folder = home.join("nginx");
        std::fs::create_dir_all(&folder)?;
        make_certificate(&folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = folder.join("nginx.conf");
        std::fs::write(&config, configuration(&folder, port))?;
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot run nginx")?;
        let mut nginx = Nginx { child, port };
        nginx.wait_until_it_listens()?;
        Ok(nginx)
    }

    pub(super) fn pids(&self) -> [u32; 1] {
        [self.child.id()]
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("nginx ended at its start ({status})");
            }
            ensure!(Instant::now() < deadline, "nginx does not listen on port {}", self.port);
            std::thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// ECDSA on P-256, as Homing's own.
fn make_certificate(folder: &Path) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout"]);
    command.arg(folder.join("key.pem")).arg("-out").arg(folder.join("cert.pem"));
    run(command.stderr(Stdio::null()))
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1000;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3;
        location / {{ return 200; }}
    }}
}}
"
    )
}
