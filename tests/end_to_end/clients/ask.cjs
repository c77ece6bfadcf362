// Asks three providers with their official clients, configured by the environment alone; prints what they answered.
'use strict';

const UPLOAD = Buffer.from('line of a file\n'.repeat(10000));

async function openai() {
  const { OpenAI, toFile } = require('openai');
  const client = new OpenAI({ maxRetries: 0 });
  const question = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
  const stream = [];
  const plain = await client.chat.completions.create(question);
  for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) stream.push(chunk);
  const upload = await client.files.create({ file: await toFile(UPLOAD, 'a.txt'), purpose: 'assistants' });
  return { plain, stream, upload };
}

async function openai_realtime() {
  const { OpenAIRealtimeWS } = require('openai/realtime/ws');
  const heard = [];
  const connection = new OpenAIRealtimeWS({ model: 'm' });
  const questions = ['one', 'two'];
  await new Promise((resolve, reject) => {
    connection.on('error', reject);
    connection.on('event', (event) => {
      heard.push(event);
      const text = questions.shift();
      if (text) connection.send({ type: 'response.create', event_id: text });
      else connection.close();
    });
    connection.socket.on('close', resolve);
  });
  return heard;
}

async function anthropic() {
  const { Anthropic, toFile } = require('@anthropic-ai/sdk');
  const client = new Anthropic({ maxRetries: 0 });
  const question = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
  const events = [];
  const stream = client.messages.stream(question);
  for await (const event of stream) events.push(event.type);
  const final = await stream.finalMessage();
  const plain = await client.messages.create(question);
  const upload = await client.beta.files.upload({ file: await toFile(UPLOAD, 'a.txt', { type: 'text/plain' }) });
  return { plain, stream: [events, final], upload };
}

async function gemini() {
  const { GoogleGenAI } = require('@google/genai');
  const client = new GoogleGenAI({});
  const plain = (await client.models.generateContent({ model: 'm', contents: 'hi' })).text;
  const stream = [];
  for await (const part of await client.models.generateContentStream({ model: 'm', contents: 'hi' })) stream.push(part.text);
  return { plain, stream };
}

async function gemini_upload() {
  const { GoogleGenAI } = require('@google/genai');
  const client = new GoogleGenAI({});
  const line = 'line of a file\n';
  const uploaded = [];
  for (const text of [line, 'x'.repeat(8 << 20) + line]) { // the second goes in two pieces
    const { name, sizeBytes, state } = await client.files.upload({ file: new Blob([text]), config: { mimeType: 'text/plain' } });
    uploaded.push({ name, size: Number(sizeBytes), state });
  }
  return uploaded;
}

async function gemini_live() {
  const { GoogleGenAI } = require('@google/genai');
  const heard = [];
  let done;
  const closed = new Promise((resolve, reject) => (done = { resolve, reject }));
  const questions = ['one', 'two'];
  const client = new GoogleGenAI({});
  const session = await client.live.connect({
    model: 'm',
    config: { responseModalities: ['TEXT'] },
    callbacks: {
      onmessage: (message) => {
        if (message.setupComplete === undefined) heard.push(message.serverContent);
        if (message.serverContent && !message.serverContent.turnComplete) return;
        const text = questions.shift();
        if (!text) return session.close();
        const ask = () => session.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }] });
        setImmediate(ask); // the first message comes before connect has given us the session
      },
      onerror: (error) => done.reject(error),
      onclose: () => done.resolve(),
    },
  });
  await closed;
  return heard;
}

(async () => {
  const answers = {};
  for (const ask of [openai, openai_realtime, anthropic, gemini, gemini_upload, gemini_live]) {
    if (process.argv.includes(ask.name)) answers[ask.name] = await ask();
  }
  console.log(JSON.stringify(answers));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
