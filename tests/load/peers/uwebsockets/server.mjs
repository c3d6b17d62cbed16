// socket.io on uWebSockets.js.
//
// `--version` instead of a port tells which build of it this machine can load.
import { createRequire } from "node:module";
import { Server } from "socket.io";
import { announce, install, options } from "../application.mjs";

const require = createRequire(import.meta.url);

/** Builds of the native module, the newest first: that one needs glibc 2.38. */
function load() {
  const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const builds = ["@btc-vision/uwebsockets.js", "@trufflesuite/uws-js-unofficial/binaries"];
  const failures = [];
  for (const build of builds) {
    try {
      // The file itself: the second package would fall back to an HTTP server of Node without a word.
      return { build, uws: require(`./node_modules/${build}/${name}`) };
    } catch (error) {
      failures.push(error.message);
    }
  }
  throw new Error(failures.join("\n"));
}

const { build, uws } = load();
if (process.argv[2] === "--version") {
  const folder = build.split("/").slice(0, 2).join("/");
  console.log(`${folder} ${require(`./node_modules/${folder}/package.json`).version}`);
  process.exit();
}
const app = uws.App();
const io = new Server(options);
io.attachApp(app);
install(io);
app.listen("127.0.0.1", Number(process.argv[2] ?? 0), (listening) =>
  announce(uws.us_socket_local_port(listening)),
);
