// Loaded into a wrapped Node program before its own code (NODE_OPTIONS): its HTTP and HTTPS requests go through
// HTTPS_PROXY / HTTP_PROXY, which Node's fetch, http and https ignore. NO_PROXY is respected; an agent or a dispatcher
// that the program brings for itself is left alone.
'use strict';

const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

const set = (...names) => names.map((name) => process.env[name]).find(Boolean);
const proxies = { 'http:': set('HTTP_PROXY', 'http_proxy'), 'https:': set('HTTPS_PROXY', 'https_proxy') };
const exceptions = (set('NO_PROXY', 'no_proxy') || '').split(',').map((one) => one.trim().toLowerCase()).filter(Boolean);

function isException(host, port) {
  return exceptions.some((one) => {
    if (one === '*') return true;
    const [name, number] = /:\d+$/.test(one) && !one.endsWith(']') ? [one.replace(/:\d+$/, ''), one.match(/\d+$/)[0]] : [one];
    if (number && number !== String(port)) return false;
    const bare = name.replace(/^\*?\./, '');
    return host === bare || host.endsWith('.' + bare);
  });
}

function proxyOf(protocol, host, port) {
  const proxy = proxies[protocol];
  const name = String(host || 'localhost').toLowerCase().replace(/^\[|\]$/g, '');
  return proxy && !isException(name, port) ? new URL(proxy) : null;
}

// A TCP connection through `proxy` to host:port; done(error, socket).
function tunnel(proxy, host, port, done) {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const socket = net.connect({ host: proxy.hostname, port: Number(proxy.port || 80) });
  let answer = Buffer.alloc(0);
  const fail = (error) => {
    socket.destroy();
    done(error);
  };
  const read = (data) => {
    answer = Buffer.concat([answer, data]);
    const end = answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.removeListener('data', read);
    socket.removeListener('error', fail);
    socket.removeListener('end', ended);
    socket.pause();
    const status = answer.subarray(0, end).toString('latin1').split('\r\n')[0];
    if (!/^HTTP\/1\.[01] 2\d\d/.test(status)) return fail(new Error(`the proxy refused ${address}: ${status}`));
    const rest = answer.subarray(end + 4);
    if (rest.length) socket.unshift(rest);
    done(null, socket);
  };
  const ended = () => fail(new Error(`the proxy closed the connection to ${address}`));
  socket.on('data', read);
  socket.on('error', fail);
  socket.on('end', ended);
  const user = proxy.username ? decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password) : '';
  const credentials = user ? `Proxy-Authorization: Basic ${Buffer.from(user).toString('base64')}\r\n` : '';
  socket.write(`CONNECT ${address} HTTP/1.1\r\nHost: ${address}\r\n${credentials}\r\n`);
}

// http and https: every agent that makes its connections as Node's own do.
function proxied(agent, protocol, standardPort) {
  const original = agent.prototype.createConnection;
  agent.prototype.createConnection = function createConnection(...given) {
    const options = typeof given[0] === 'object' ? given[0] : {};
    const done = given.find((one) => typeof one === 'function');
    const host = options.host || options.hostname || 'localhost';
    const port = options.port || standardPort;
    const proxy = options.socketPath || !done ? null : proxyOf(protocol, host, port);
    if (!proxy) return original.apply(this, given);
    tunnel(proxy, host, port, (error, socket) => {
      if (error) return done(error);
      if (protocol === 'http:') {
        done(null, socket);
        return socket.resume(); // it was paused on purpose, and http does not resume such
      }
      const servername = options.servername || (net.isIP(host) ? '' : host);
      return done(null, tls.connect({ ...options, path: undefined, host, servername, socket }));
    });
    return undefined;
  };
}
proxied(http.Agent, 'http:', 80);
proxied(https.Agent, 'https:', 443);

// The library `ws` makes its own connections, without an agent: it gets the usual agent instead.
for (const [module, protocol] of [[http, 'http:'], [https, 'https:']]) {
  const original = module.request;
  module.request = function request(...given) {
    const options = given.find((one) => one && typeof one === 'object' && !(one instanceof URL));
    const headers = (options && options.headers) || {};
    const upgrade = Object.keys(headers).some(
      (name) => name.toLowerCase() === 'upgrade' && String(headers[name]).toLowerCase() === 'websocket',
    );
    if (upgrade && options.agent === undefined && options.createConnection && proxies[protocol]) {
      delete options.createConnection;
    }
    return original.apply(this, given);
  };
}
require('node:module').syncBuiltinESMExports();

// fetch: its dispatcher is made when it is first used. Another one than the usual knows what it does.
void globalThis.Headers;
const symbol = Object.getOwnPropertySymbols(globalThis).find((one) => /^undici\.globalDispatcher\.\d+$/.test(one.description));
const usual = symbol && globalThis[symbol];
if (usual && usual.constructor.name === 'Agent') {
  const connect = (options, done) => {
    const host = options.hostname;
    const secure = options.protocol === 'https:';
    const port = Number(options.port || (secure ? 443 : 80));
    const proxy = proxyOf(options.protocol, host, port);
    const servername = options.servername || (net.isIP(host) ? '' : host);
    const finish = (error, socket) => {
      if (error) return done(error);
      const whole = secure ? tls.connect({ ...options, host, servername, socket, ALPNProtocols: ['http/1.1'] }) : socket;
      const failed = (reason) => done(reason);
      whole.once('error', failed);
      const ready = () => {
        whole.removeListener('error', failed);
        done(null, whole);
      };
      return secure ? whole.once('secureConnect', ready) : ready();
    };
    if (proxy) return tunnel(proxy, host.replace(/^\[|\]$/g, ''), port, finish);
    const socket = net.connect({ host: host.replace(/^\[|\]$/g, ''), port });
    socket.once('error', done);
    return socket.once('connect', () => {
      socket.removeListener('error', done);
      finish(null, socket);
    });
  };
  globalThis[symbol] = new usual.constructor({ connect });
}
