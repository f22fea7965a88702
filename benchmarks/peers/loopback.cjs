// Portkey's gateway listens on every interface and has no option for it; here it listens on the loopback only.
const { Server } = require("node:net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  const ready = rest.findLast((each) => typeof each === "function");
  return listen.call(this, { port: port?.port ?? port, host: "127.0.0.1" }, ready);
};
