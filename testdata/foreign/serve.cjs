// Serves one protocol that the example plans speak, on a free port of 127.0.0.1 which it
// prints, until its standard input ends: node serve.cjs socketio|peerjs|ywebsocket|mqtt
// Its packages are those of package.json.
const http = require('http')

const servers = {
  socketio (server) {
    const { Server } = require('socket.io')
    new Server(server).on('connection', s => s.on('echo', (message, done) => done(message)))
  },
  peerjs (server) {
    const { ExpressPeerServer } = require('peer')
    const app = require('express')()
    server.on('request', app)
    app.use('/', ExpressPeerServer(server, { path: '/' }))
  },
  ywebsocket (server) {
    const { setupWSConnection } = require('y-websocket/bin/utils')
    const { WebSocketServer } = require('ws')
    new WebSocketServer({ server }).on('connection', setupWSConnection)
  },
  mqtt (server) {
    const broker = require('aedes')()
    const { WebSocketServer, createWebSocketStream } = require('ws')
    new WebSocketServer({ server, handleProtocols: () => 'mqtt' }).on('connection', ws => broker.handle(createWebSocketStream(ws)))
  }
}

const name = process.argv[2]
const server = http.createServer((_, response) => name === 'peerjs' || response.writeHead(404).end())
servers[name](server)
server.listen(0, '127.0.0.1', () => console.log(`ws://127.0.0.1:${server.address().port}/`))
process.stdin.resume().on('end', () => process.exit(0))
