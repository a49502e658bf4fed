import type { states as Area } from '../en/states';

export const states: typeof Area = {
  engine: {
    failedTitle: '引擎没有运行',
    failedText: '你的对话和文字都在。发送一条消息即可重新启动。',
    restarting: '引擎正在重启，你的对话都在。',
    device: '设备',
    kernels: '内核',
    details: '详情',
  },
  errors: {
    offline: { message: 'Qwill 没有响应。', hint: '会自动重试。' },
    no_model: { message: '还没有安装模型。', hint: '请在“设置”的“模型”中添加。' },
    model_missing: { message: '模型的文件不见了。', hint: '请选择其他模型，或重新添加。' },
    model_unknown: { message: '没有安装叫这个名字的模型。', hint: '请选择其他模型。' },
    model_damaged: { message: '模型文件已损坏或不受支持。', hint: '请重新获取这个模型。' },
    model_in_use: { message: '这个模型正在回答。', hint: '请等它完成，或先停止。' },
    too_long: { message: '文字超出了模型的上下文。', hint: '请缩短文字，或开始新对话。' },
    memory: { message: '内存不足以运行这个模型。', hint: '请关闭其他应用，或选择更小的模型。' },
    template: { message: '模型的对话模板出错。', hint: '请选择其他模型。' },
    engine_failed: { message: '引擎报告了错误。', hint: '请重试。' },
    engine_crashed: { message: '引擎意外停止。', hint: '已写的内容都在，请重试。' },
    engine_unavailable: { message: '引擎无法启动。', hint: '运行“qwill doctor”查看原因。' },
    interrupted: { message: '写这个回答时 Qwill 被关闭了。', hint: '已写的内容都在。' },
    cancelled: { message: '已取消。', hint: '' },
    busy: { message: '等待中的请求太多。', hint: '请稍后再试。' },
    chat_busy: { message: '这个对话还在写回答。', hint: '请先停止。' },
    not_found: { message: '这个内容已不存在。', hint: '' },
    conflict: { message: '这个名称已被使用。', hint: '请换一个名称。' },
    unauthorized: { message: '访问令牌缺失或错误。', hint: '请打开 Qwill 显示的地址。' },
    database_damaged: { message: '对话数据库已损坏，已移到一旁。', hint: '已新建一个数据库。' },
  },
};
