import { Desk, type Order } from './desk';

const desk = new Desk((answer) => postMessage(answer));
addEventListener('message', (event: MessageEvent<Order>) => desk.take(event.data));
